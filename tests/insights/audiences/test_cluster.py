from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster

from insights.audiences.cluster import sign_on_cluster
from signatures import EdgeStore, Writer


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two workers, each a process of its own, on loopback."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("store"), np.random.default_rng(11)
    with Writer(folder, shards=7) as writer:
        for mode, edges in (("add", 60_000), ("add", 3_000), ("remove", 10_000)):
            accounts = rng.integers(0, 250, edges).astype(np.uint64)
            with writer.changes() as changes:
                changes.add(
                    accounts, rng.integers(0, 5_000, edges),
                    lambda places, accounts=accounts: accounts[places].astype(str).astype(object),
                )  # fmt: skip
                writer.apply(changes, mode)  # type: ignore[arg-type] # one of its words
        writer.sign()
    return folder


@pytest.mark.parametrize("accounts", [1_000, 60])  # all accounts in one run, and in five
def test_a_cluster_of_processes_gives_the_same_bits(
    client: Client, folder: Path, accounts: int
) -> None:
    alone = EdgeStore(folder).signatures()
    assert alone is not None
    found = sign_on_cluster(client, folder, accounts=accounts)
    assert (found.minima == alone[1].minima).all()
    assert found.sizes.tolist() == alone[1].sizes.tolist()


def test_more_slots_give_the_same_bits_too(client: Client, folder: Path) -> None:
    found = sign_on_cluster(client, folder, slots=256)
    with Writer(folder) as writer:
        assert (writer.sign(slots=256).minima == found.minima).all()


def test_an_empty_store_has_no_signatures(client: Client, tmp_path: Path) -> None:
    with Writer(tmp_path):
        pass
    assert len(sign_on_cluster(client, tmp_path)) == 0
