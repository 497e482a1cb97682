"""One worker: a trial's config, data, model, method, fit, evaluation and report."""

if __name__ != "slimtune.training":
    raise ImportError(f"{__name__} is a folder of slimtune's; import slimtune.training")

import logging

# peft imports bitsandbytes, which tells on each CPU with AVX512-BF16 of a kernel that it would fetch from a hub
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
