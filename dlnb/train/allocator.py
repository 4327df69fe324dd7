"""Let the C library keep the memory that a step has used for the next one.

By default glibc hands big blocks back to the system after every step and takes them anew: 400 to 2,000 page faults a
step of a small convolutional net, a tenth of its time, most of all on another thread than the main one. A training loop
wants the same blocks a millisecond later. And it gives every new thread a heap of its own, up to eight a core, each of which
fills with holes by itself: under a dashboard, whose threads come and go, a kernel grew by almost 2 MB a minute.
`DLNB_MALLOC=0` in the environment leaves the C library as it is.

Source: mallopt(3).
"""

import ctypes
import functools
import os
import sys

# Numbers of malloc.h, in bytes. Single blocks above 32 MB still go back at once, and so does what lies free beyond 512 MB.
# Threads to come share the heaps that are there, and make none where there are two.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
SETTINGS = ((MMAP_THRESHOLD, 32 << 20), (TRIM_THRESHOLD, 512 << 20), (TOP_PAD, 64 << 20), (ARENA_MAX, 2))


@functools.cache
def keep_memory() -> bool:
    """Have freed memory kept in this process, where its C library is glibc. Returns whether it is; asked again, does nothing."""
    if not sys.platform.startswith("linux") or os.environ.get("DLNB_MALLOC") == "0":
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  another C library has none, and other settings
        return all(library.mallopt(name, value) == 1 for name, value in SETTINGS)
    except (OSError, AttributeError):
        return False
