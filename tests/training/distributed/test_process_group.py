"""What the ranks of a trial add up: two processes on one machine."""

import os

import torch
from torch import multiprocessing, nn

from slimtune.training.distributed.process_group import LARGE, DistributedGroup, rank_environment


def in_two_processes(rank: int, port: int) -> None:
    os.environ.update(rank_environment(rank, 2, port))
    group = DistributedGroup(cpu=True)
    torch.manual_seed(0)
    shapes = {"large": (LARGE // 64, 64), "small": (3, 5), "turned": (64, LARGE // 64), "lacking": (LARGE,)}
    trained = {name: nn.Parameter(torch.randn(shape)) for name, shape in shapes.items()}
    gradients = {name: torch.randn(2, *shape) for name, shape in shapes.items()}
    for name, parameter in trained.items():
        parameter.grad = gradients[name][rank].clone()
    # in another layout on one of them, and not reached by the rows of one
    if rank == 0:
        trained["turned"].grad = gradients["turned"][0].T.contiguous().T
        trained["lacking"].grad = None
    gradients["lacking"][0] = 0
    group.sum_gradients(trained.values())
    for name, parameter in trained.items():
        torch.testing.assert_close(parameter.grad, gradients[name].sum(0))
    assert group.sum(torch.tensor(rank + 1.0)).item() == 3
    group.wait()


def test_gradients_are_summed_whatever_their_size_and_layout() -> None:
    from slimtune.training.worker.rank_launcher import _free_port

    multiprocessing.spawn(in_two_processes, args=(_free_port(),), nprocs=2)
