# SPDX-License-Identifier: Apache-2.0
"""/v1/service_parameter: what services are told beside their configuration files (spec sysinv.md 1.6, 9.2)."""

from typing import Any

from wsme import types as wtypes

from stx import exception
from stx.rest import app, query, types, wire
from sysinv import client, parameter_rules, policies
from sysinv.db import service_parameters as db_parameters

_CREATABLE = frozenset({"service", "section", "personality", "resource", "parameters"})
_MOST = 100


class ServiceParameter(types.Resource):
    id = types.integer
    service = types.Text(16)
    section = types.Text(128)
    name = types.text
    value = types.text
    personality = types.text
    resource = types.text
    created_at = types.datetime_utc
    updated_at = types.datetime_utc


class ServiceParameters(wtypes.Base):
    """Parameters of one section that are added together."""

    service = types.Text(16)
    section = types.Text(128)
    personality = types.text
    resource = types.text
    parameters = types.json


class Application(wtypes.Base):
    """The service whose parameters are made effective."""

    service = types.Text(16)


_view = wire.View(ServiceParameter, "service_parameter")


class ServiceParameterController(app.Controller):
    _custom_actions = {"apply": ["POST"]}
    # Of a list, in its answer.
    _key = "parameters"

    def __init__(self) -> None:
        self._conductor = client.Conductor()

    @app.expose
    def get_all(self) -> dict[str, Any]:
        self.authorize(policies.SERVICE_PARAMETER_GET)
        asked = query.parse_query(fields=db_parameters.FILTERS)
        rows = db_parameters.list_parameters(asked.page, asked.filters)
        return {self._key: [_view.render(row, query.base_url()) for row in rows], **query.next_link(asked.page, rows)}

    @app.expose
    def get_one(self, parameter_uuid: str) -> dict[str, Any]:
        self.authorize(policies.SERVICE_PARAMETER_GET)
        return _view.render(db_parameters.get(parameter_uuid), query.base_url())

    @app.expose
    def post(self) -> dict[str, Any]:
        context = self.authorize(policies.SERVICE_PARAMETER_MODIFY)
        given = wire.from_body(ServiceParameters, _CREATABLE)
        uuids = self._conductor.create_service_parameters(
            context,
            _named(given, "service"),
            _named(given, "section"),
            _values(given.get("parameters")),
            given.get("personality"),
            given.get("resource"),
        )
        rows = db_parameters.get_parameters(uuids)
        return {self._key: [_view.render(row, query.base_url()) for row in rows]}

    @app.expose
    def patch(self, parameter_uuid: str) -> dict[str, Any]:
        context = self.authorize(policies.SERVICE_PARAMETER_MODIFY)
        changes = wire.from_patch(ServiceParameter, client.PARAMETER_FIELDS)
        self._conductor.update_service_parameter(context, db_parameters.get(parameter_uuid)["uuid"], changes)
        return _view.render(db_parameters.get(parameter_uuid), query.base_url())

    @app.expose
    def delete(self, parameter_uuid: str) -> None:
        context = self.authorize(policies.SERVICE_PARAMETER_MODIFY)
        self._conductor.delete_service_parameter(context, db_parameters.get(parameter_uuid)["uuid"])

    @app.expose
    def apply(self) -> dict[str, Any]:
        context = self.authorize(policies.SERVICE_PARAMETER_MODIFY)
        service = _named(wire.from_body(Application, frozenset({"service"})), "service")
        self._conductor.apply_service_parameters(context, service)
        return {"service": service}


def _named(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not value:
        raise exception.Invalid(f"Name the {name} whose parameters are meant: {name}.")
    return str(value)


def _values(given: Any) -> dict[str, str]:
    """Values by name. A number is as good as its text."""
    if not isinstance(given, dict) or not 0 < len(given) <= _MOST:
        raise exception.Invalid(f'parameters is an object of 1 to {_MOST} names and values such as {{"mnfa_threshold": "3"}}.')
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and abs(value) >= 2**63):
            raise exception.Invalid(f"The value of {types.shown(name)} is a text, not {types.shown(value)}.")
    # One that is too long is refused whether or not its end is there.
    return {name: str(value)[: parameter_rules.LONGEST + 1] for name, value in given.items()}
