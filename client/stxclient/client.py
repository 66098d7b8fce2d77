# SPDX-License-Identifier: Apache-2.0
"""The platform's REST APIs as Python objects.

::

    client = Client(session)
    for host in client.hosts.list():
        print(host.hostname, host.availability, [cpu.cpu for cpu in client.hosts.cpus.list(host)])
"""

from keystoneauth1 import session as ksa_session

from stxclient import alarms, hosts, service_parameters, services, snmp, systems, transport

DEFAULT_TIMEOUT_S = 600.0


class Client:
    """Everything of one platform. Nothing is sent before the first call.

    Lists are iterators that fetch page after page. Every call may raise a subclass of `exceptions.ClientError`,
    whose text is one sentence for the operator.

    :param session: keystoneauth session; it says who asks. One without a deadline of its own gets ours, because
        it fetches the token
    :param interface: which endpoint of the catalogue: public, internal or admin
    :param platform_url: address of the platform service; by default the catalogue's
    :param fm_url: address of the fault service; by default the catalogue's
    :param timeout: seconds to wait for an answer; by default the session's, or 600
    """

    def __init__(
        self,
        session: ksa_session.Session,
        region_name: str | None = None,
        interface: str = "public",
        platform_url: str | None = None,
        fm_url: str | None = None,
        timeout: float | None = None,
    ) -> None:
        timeout_s = timeout or session.timeout or DEFAULT_TIMEOUT_S
        if session.timeout is None:
            session.timeout = timeout_s

        def connected(service: transport.Service, url: str | None) -> transport.Transport:
            return transport.Transport(
                session, service, region_name=region_name, interface=interface, url=url, timeout_s=timeout_s
            )

        platform = connected(transport.PLATFORM, platform_url)
        faults = connected(transport.FAULTS, fm_url)
        self.systems = systems.Systems(platform)
        self.hosts = hosts.Hosts(platform)
        self.service_nodes = services.ServiceNodes(platform)
        self.service_groups = services.ServiceGroups(platform)
        self.services = services.Services(platform)
        self.service_parameters = service_parameters.ServiceParameters(platform)
        self.communities = snmp.Communities(platform)
        self.trap_destinations = snmp.TrapDestinations(platform)
        self.alarms = alarms.Alarms(faults)
        self.events = alarms.Events(faults)
        self.event_suppression = alarms.EventSuppression(faults)
