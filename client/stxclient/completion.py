# SPDX-License-Identifier: Apache-2.0
"""Completion for bash: commands and options, and the names of hosts on which what is asked for is allowed now."""

import argparse

from cliff import complete

# bash-completion has a better one, which takes the place of this where it is loaded, before or after.
_WORDS = """
if ! declare -F _get_comp_words_by_ref > /dev/null ; then
  _get_comp_words_by_ref()
  {
    words=("${COMP_WORDS[@]}")
    cur="${COMP_WORDS[COMP_CWORD]}"
  }
fi
"""

# The names are asked of the service, by the same program and with the same options before the command. Where that does not answer soon,
# nothing is completed. What it answers is compared and no more: `compgen -W` would have the shell carry out what stands in it.
_HOSTS = """
_system_or_hosts()
{
  _system
  local at word="" action="" id name cur="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
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
    host-lock | host-unlock | host-swact)
      action="${word#host-}"
      if [[ " ${COMP_WORDS[*]:at} " == *" -f "* || " ${COMP_WORDS[*]:at} " == *" --force "* ]] ; then
        action="force-${action}"
      fi
      if [[ ${before} == -f || ${before} == --force ]] ; then
        before="${word}"
      fi ;;
    host-delete | host-reboot | host-reset | host-reinstall | host-power-on | host-power-off) action="${word#host-}" ;;
    host-*) ;;
    *) return 0 ;;
  esac
  # Many hosts are deleted by one command; of all others the host is the first argument.
  if [[ ${before} != "${word}" && ${action} != delete ]] ; then
    return 0
  fi
  COMPREPLY=()
  while read -r id name ; do
    # One that was discovered has no name yet.
    if [[ ${name} == None ]] ; then
      name="${id}"
    fi
    if [[ ${name} == "${cur}"* ]] ; then
      COMPREPLY+=("${name}")
    fi
  done < <(timeout 5 "${COMP_WORDS[@]:0:at}" host-list ${action:+--allowed "${action}"} \\
    -f value -c id -c hostname < /dev/null 2> /dev/null)
  return 0
}
complete -F _system_or_hosts system
"""


class Complete(complete.CompleteCommand):
    """Print a completion for bash."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        code = super().take_action(parsed_args)
        if parsed_args.shell != "bash":
            return code
        self.app.stdout.write(_WORDS)
        if self.app.NAME == "system" and parsed_args.name in (None, "system"):
            self.app.stdout.write(_HOSTS)
        return code
