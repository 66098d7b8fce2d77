# SPDX-License-Identifier: Apache-2.0
"""Completion for bash: commands and options, and the names of hosts on which what is asked for is allowed now."""

import argparse

from cliff import complete

# The names are asked of the service, by the same program and with the same options before the command. Where that does not answer soon,
# nothing is completed.
_HOSTS = """
_system_or_hosts()
{
  _system
  local at word="" action="" cur="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  if [[ ${cur} == -* ]] ; then
    return 0
  fi
  for (( at=1; at<COMP_CWORD; at++ )) ; do
    word="${COMP_WORDS[at]}"
    if [[ ${word} == host-* ]] ; then
      break
    fi
  done
  case "${word}" in
    host-list | host-add) return 0 ;;
    host-delete) action=delete ;;
    host-lock | host-unlock | host-swact | host-reboot | host-reset | host-reinstall | host-power-on | host-power-off)
      action="${word#host-}"
      if [[ " ${COMP_WORDS[*]:at} " == *" -f "* || " ${COMP_WORDS[*]:at} " == *" --force "* ]] ; then
        action="force-${action}"
      fi ;;
    host-*) ;;
    *) return 0 ;;
  esac
  if [[ ${before} == "${word}" || ${before} == -f || ${before} == --force || ${action} == delete ]] ; then
    COMPREPLY=( $(compgen -W "$(timeout 5 "${COMP_WORDS[@]:0:at}" host-list ${action:+--allowed "${action}"} \\
      -f value -c hostname < /dev/null 2> /dev/null)" -- "${cur}") )
  fi
  return 0
}
complete -F _system_or_hosts system
"""


class Complete(complete.CompleteCommand):
    """Print a completion for bash."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        code = super().take_action(parsed_args)
        if self.app.NAME == "system" and parsed_args.shell == "bash" and parsed_args.name in (None, "system"):
            self.app.stdout.write(_HOSTS)
        return code
