"""The program that speaks: espeak-ng, in a process of its own.

espeak-ng keeps state from one utterance to the next: in one process the same text does not sound the same twice. So every list of utterances is said by a fresh process, which runs this file: `python -I espeak.py`, with
JSON on its standard input and 16-bit samples on its standard output. The same list then sounds the same to the bit.
"""

import contextlib
import ctypes
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SPOKEN_RATE = 22_050  # Hz, at which espeak-ng speaks
SYNCHRONOUS, UTF8, CHARACTERS, OK = 2, 1, 1, 0  # constants of speak_lib.h
PHONEME_EVENTS, PHONEME = 1, 7
RATE, PITCH, RANGE = 1, 3, 4


class Utterance(NamedTuple):
    """What is to be said, and how.

    voice: a language and a variant of espeak-ng, as "en-us+f2". words: a minute, 80 to 450.
    pitch: 0 to 100. melody: how far the pitch moves, 0 to 100.
    """

    text: str
    voice: str = "en-us"
    words: int = 175
    pitch: int = 50
    melody: int = 50


class Said(NamedTuple):
    """How it sounds: samples at SPOKEN_RATE, and each phoneme in espeak-ng's own signs with the sample at which it begins."""

    samples: NDArray[np.int16]
    phonemes: list[tuple[str, int]]


def say(utterances: Sequence[Utterance]) -> Iterator[Said]:
    """Each utterance as it sounds, the same for the same list; two to three milliseconds each, and made as they are asked for.

    Raises: ValueError if espeak-ng knows a voice not; RuntimeError, with what it said, if it ends otherwise.
    """
    import espeakng_loader

    order = {
        "library": espeakng_loader.get_library_path(),
        "data": espeakng_loader.get_data_path(),
        "utterances": [tuple(utterance) for utterance in utterances],
    }
    with tempfile.TemporaryFile() as complaints:
        speaker = subprocess.Popen([sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        assert speaker.stdin is not None and speaker.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError), speaker.stdin as asked:  # it may have ended; what it said then tells more
                asked.write(json.dumps(order).encode())
            for _ in utterances:
                yield _heard(speaker.stdout)
        except EOFError as error:
            speaker.wait()
            complaints.seek(0)
            words = complaints.read().decode(errors="replace").strip().splitlines()
            last = words[-1] if words else f"it ended with status {speaker.returncode}"
            raise (ValueError if "no voice" in last else RuntimeError)(f"espeak-ng could not speak: {last}") from error
        finally:
            speaker.kill()
            speaker.stdout.close()
            speaker.wait()


def _heard(output: IO[bytes]) -> Said:
    """The next utterance of the process. Raises: EOFError if there is none."""
    length, letters = struct.unpack("<ii", _bytes(output, 8))
    phonemes = json.loads(_bytes(output, letters))
    return Said(np.frombuffer(_bytes(output, 2 * length), "<i2").astype(np.int16), list(map(tuple, phonemes)))


def _bytes(output: IO[bytes], count: int) -> bytes:
    found = output.read(count)
    if len(found) < count:
        raise EOFError
    return found


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h: something begins at a sample."""

    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8),
    )  # fmt: skip


def _speaker(library: str, data: str) -> tuple[Any, list[bytes], list[tuple[str, int]]]:
    """The library, ready to speak, and the lists into which it puts what it says: samples and phonemes."""
    speech: Any = ctypes.CDLL(library)
    pieces: list[bytes] = []
    phonemes: list[tuple[str, int]] = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))

    @kind
    def hear(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        place = 0
        while events and events[place].type:  # 0 ends the list
            if events[place].type == PHONEME:
                phonemes.append((events[place].name.decode(errors="replace"), events[place].sample))
            place += 1
        return 0

    if speech.espeak_Initialize(SYNCHRONOUS, 500, str(Path(data).parent).encode(), PHONEME_EVENTS) != SPOKEN_RATE:
        raise SystemExit(f"it does not speak at {SPOKEN_RATE} Hz, or has no data in {data}")
    speech.espeak_SetSynthCallback(hear)
    speech.keep = hear  # ctypes holds no reference of its own
    return speech, pieces, phonemes


def main() -> None:
    """Read what is to be said, say it, and write the samples: for each utterance two lengths, phonemes, samples."""
    order = json.load(sys.stdin)
    speech, pieces, phonemes = _speaker(order["library"], order["data"])
    for text, voice, words, pitch, melody in order["utterances"]:
        if speech.espeak_SetVoiceByName(voice.encode()) != OK:
            raise SystemExit(f"there is no voice {voice!r}")
        for parameter, value in ((RATE, words), (PITCH, pitch), (RANGE, melody)):
            speech.espeak_SetParameter(parameter, value, 0)
        speech.espeak_ng_SetRandSeed(ctypes.c_long(1))  # else the clock seeds what breathes in a voice
        letters = text.encode()
        if speech.espeak_Synth(letters, ctypes.c_size_t(len(letters) + 1), 0, CHARACTERS, 0, UTF8, None, None) != OK:
            raise SystemExit(f"it would not say {text!r}")
        said, signs = b"".join(pieces), json.dumps(phonemes).encode()
        pieces.clear()
        phonemes.clear()
        sys.stdout.buffer.write(struct.pack("<ii", len(said) // 2, len(signs)) + signs + said)


if __name__ == "__main__":
    main()
