"""The weights of a pass's segments as they are multiplied with, cast at once, and their gradients."""

# K segments, P elements of a trial's row, S slots

from collections.abc import Collection

import torch

from slimtune.training.engine.slots.bank_layout import DOWN, UP, BankLayout
from slimtune.training.engine.slots.segments import SegmentTable
from slimtune.training.methods.stacked_lora import LowRank, Whole


class PassBuffers:
    """Of all passes with the same segments; the tensors stay where they are.

    Attributes:
        low_rank: Updates by name of the layer.
        whole: Layers that all trials train whole, by name.
    """

    def __init__(
        self,
        layout: BankLayout,
        value_SP: torch.Tensor,
        table: SegmentTable,
        dtype: torch.dtype,
        whole: Collection[str],
    ) -> None:
        self._table = table
        size = (len(table.slots_K), layout.size)
        self._work_KP = torch.empty(size, dtype=dtype, device=value_SP.device)
        self._grad_KP = torch.empty_like(self._work_KP)
        # each slot one segment, in their order: nothing is to be dealt out
        self._is_direct = table.slots_K == tuple(range(len(value_SP)))
        self._index_K = torch.tensor(table.slots_K, device=value_SP.device)
        regions = layout.regions
        both = (self._work_KP, self._grad_KP)
        names = [key.removesuffix(DOWN) for key in regions if key.endswith(DOWN)]
        self.low_rank = {
            name: LowRank(*(regions[name + part].of(rows) for rows in both for part in (DOWN, UP))) for name in names
        }
        self.whole = {
            name: Whole(
                *(
                    regions[key].of(rows) if (key := f"{name}.{part}") in regions else None  # type: ignore[arg-type]
                    for rows in both
                    for part in ("weight", "bias")
                )
            )
            for name in whole
        }

    @torch.no_grad()
    def fill(self, value_SP: torch.Tensor, scale_SP: torch.Tensor) -> None:
        """Take the slots' weights, and no gradient yet."""
        if self._is_direct:
            torch.mul(value_SP, scale_SP, out=self._work_KP)
        else:
            self._work_KP.copy_((value_SP * scale_SP).index_select(0, self._index_K))
        self._grad_KP.zero_()

    @torch.no_grad()
    def collect(self, grad_SP: torch.Tensor, scale_SP: torch.Tensor) -> None:
        """Add the gradients of the segments to those of their slots, in one order whatever the device."""
        if self._is_direct:
            grad_SP.addcmul_(self._grad_KP.to(grad_SP.dtype), scale_SP)
            return
        start = 0
        for slot in dict.fromkeys(self._table.slots_K):
            count = self._table.slots_K.count(slot)
            own = self._grad_KP[start : start + count]
            summed = own[0].to(grad_SP.dtype) if count == 1 else own.sum(0, dtype=grad_SP.dtype)
            grad_SP[slot].addcmul_(summed, scale_SP[slot])
            start += count
