"""The stage: a tenant as the script has it, and settings that the prober's own loader made of it."""

import asyncio
from dataclasses import replace

from prober.rehearsal.clock import Accelerated
from prober.rehearsal.script import SHORT_LIFETIME, USUAL_LIFETIME, Script, sites_of
from prober.rehearsal.stage import layout, stage, wishes

SCRIPT = Script(("activesync", "imap4"), sites_of(["eu", "uk"], 4), USUAL_LIFETIME, 60, 5, 0, 10, 0, 0)


def test_the_tenant_has_the_scripts_sites_and_mailboxes() -> None:
    """One mailbox at each site, so that a site tells which mailbox is meant."""
    plan = layout(SCRIPT, seed=7)
    assert plan.sites == SCRIPT.sites
    assert [place.site for place in plan.mailboxes] == [site.name for site in SCRIPT.sites]
    assert len({place.address for place in plan.mailboxes}) == 8
    assert plan.seed == 7


def test_tokens_are_not_shared_where_asking_for_them_is_the_matter() -> None:
    """Or one refusal would be told of once, and seven attempts had nothing to show for it."""
    assert not wishes(SCRIPT).apart
    assert wishes(Script(("imap4",), sites_of(["eu"], 4), SHORT_LIFETIME, 60, 5, 0, 10, 0, 0)).apart


def test_the_stage_is_a_running_tenant_and_settings_for_it() -> None:
    """Every mailbox is a target with every client; each target's site is known; nothing has struck yet."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Accelerated)
        async with stage(SCRIPT, loop) as scene:
            probes = [one for one in scene.settings.assignments if one.client != "control"]
            assert len(probes) == 16
            assert {one.target.region for one in probes} == {"eu", "uk"}
            assert {scene.site_of(one.target.name) for one in probes} == {site.name for site in SCRIPT.sites}
            assert scene.site_of("control") == ""
            assert scene.touches() == ()

    with asyncio.Runner(loop_factory=Accelerated) as runner:
        runner.run(main())


def test_of_optional_steps_only_those_that_faults_are_meant_for_are_on() -> None:
    """As in a prober that nobody told of any."""
    assert wishes(SCRIPT).only == frozenset()
    assert wishes(replace(SCRIPT, steps=frozenset({"send_mail"}))).only == {"send_mail"}
