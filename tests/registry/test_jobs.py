import asyncio
from datetime import timedelta

import pytest

from fakes.registered import PEPPER, START, Clock
from registry import Registry, open_registry
from registry.errors import BadField, Fenced, Unknown
from registry.models import Job, JobLease


async def leased(registry: Registry) -> JobLease:
    await registry.jobs.ensure("report", every=3600)
    lease = await registry.jobs.claim("one")
    assert lease is not None
    return lease


async def test_a_new_job_is_due_at_once(registry: Registry) -> None:
    assert await leased(registry) == JobLease(
        name="report",
        fence=1,
        until=START + timedelta(seconds=300),
        due_at=START,
        failures=0,
    )


async def test_a_job_runs_in_one_place_at_a_time(registry: Registry) -> None:
    await leased(registry)
    assert await registry.jobs.claim("two") is None


async def test_a_finished_job_is_due_a_period_later(registry: Registry, clock: Clock) -> None:
    lease = await leased(registry)
    clock.move(100)
    await registry.jobs.finish("report", lease.fence)
    (job,) = await registry.jobs.list()
    assert job == Job(
        name="report",
        every=3600,
        next_at=START + timedelta(hours=1),
        finished_at=START + timedelta(seconds=100),
    )


async def test_late_runs_are_skipped_and_the_rhythm_stays(registry: Registry, clock: Clock) -> None:
    lease = await leased(registry)
    clock.move(3 * 3600 + 5)
    await registry.jobs.finish("report", lease.fence)
    assert (await registry.jobs.list())[0].next_at == START + timedelta(hours=4)


async def test_a_failure_is_tried_again_ever_later(registry: Registry, clock: Clock) -> None:
    await registry.jobs.ensure("report", every=30)
    waits = []
    for _ in range(5):
        lease = await registry.jobs.claim("one")
        assert lease is not None
        await registry.jobs.fail("report", lease.fence, "the lake is down")
        (job,) = await registry.jobs.list()
        waits.append((job.next_at - clock()).total_seconds())
        clock.instant = job.next_at
    assert waits == [5, 10, 20, 30, 30]
    assert (job.failures, job.error) == (5, "the lake is down")


async def test_a_success_forgets_the_failures(registry: Registry, clock: Clock) -> None:
    lease = await leased(registry)
    await registry.jobs.fail("report", lease.fence, "down")
    clock.move(5)
    again = await registry.jobs.claim("one")
    assert again is not None
    assert again.failures == 1
    await registry.jobs.finish("report", again.fence)
    (job,) = await registry.jobs.list()
    assert (job.failures, job.error) == (0, None)


async def test_a_dead_workers_job_moves_and_the_zombie_is_refused(
    registry: Registry, clock: Clock
) -> None:
    lease = await leased(registry)
    clock.move(300)
    moved = await registry.jobs.claim("two")
    assert moved is not None
    assert moved.fence == 2
    for write in (
        registry.jobs.renew("report", lease.fence),
        registry.jobs.finish("report", lease.fence),
        registry.jobs.fail("report", lease.fence, "late"),
    ):
        with pytest.raises(Fenced, match="'report' has moved on to fence 2"):
            await write


async def test_a_renewed_job_stays(registry: Registry, clock: Clock) -> None:
    lease = await leased(registry)
    clock.move(200)
    assert await registry.jobs.renew("report", lease.fence) == START + timedelta(seconds=500)
    clock.move(200)
    assert await registry.jobs.claim("two") is None


async def test_the_longest_due_job_comes_first(registry: Registry, clock: Clock) -> None:
    await registry.jobs.ensure("b", every=60)
    clock.move(1)
    await registry.jobs.ensure("a", every=60)
    claimed = [await registry.jobs.claim("one"), await registry.jobs.claim("one")]
    assert [lease.name for lease in claimed if lease] == ["b", "a"]


async def test_a_worker_claims_only_what_it_can_run(registry: Registry) -> None:
    await registry.jobs.ensure("a", every=60)
    assert await registry.jobs.claim("one", names=["b"]) is None


async def test_a_new_period_keeps_the_due_time(registry: Registry) -> None:
    await registry.jobs.ensure("a", every=60)
    await registry.jobs.ensure("a", every=30)
    (job,) = await registry.jobs.list()
    assert (job.every, job.next_at) == (30, START)


async def test_a_job_needs_a_period_and_a_name_that_is_known(registry: Registry) -> None:
    with pytest.raises(BadField, match=r"a.every is 0: use a number of seconds above 0"):
        await registry.jobs.ensure("a", every=0)
    with pytest.raises(Unknown, match="there is no job 'a'"):
        await registry.jobs.finish("a", 1)


async def test_eight_workers_run_each_job_once(url: str) -> None:
    workers = [await open_registry(url, pepper=PEPPER) for _ in range(8)]
    for number in range(20):
        await workers[0].jobs.ensure(f"job {number}", every=3600)
    ran: list[str] = []

    async def work(worker: Registry) -> None:
        while lease := await worker.jobs.claim("worker"):
            ran.append(lease.name)
            await worker.jobs.finish(lease.name, lease.fence)

    await asyncio.gather(*(work(worker) for worker in workers))
    for worker in workers:
        await worker.close()
    assert sorted(ran) == sorted(f"job {number}" for number in range(20))
