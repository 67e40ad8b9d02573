"""Zip files from strangers, read within limits that do not rest on what their headers claim."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO

from course.grading.course_folder import GradingError
from course.grading.lms.csv_tables import shown

JUNK = {"__MACOSX", ".ipynb_checkpoints", ".git", ".DS_Store", "Thumbs.db", "desktop.ini"}
CHUNK = 1 << 16
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, NotImplementedError, RuntimeError)
READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that platforms write; the others unpack without bound


@dataclass(frozen=True)
class Limits:
    """What a class's archive stays within.

    Args:
        members: files in the archive.
        member_bytes: bytes of one file, unpacked.
        total_bytes: bytes of everything that is unpacked.
        ratio: unpacked over packed bytes of one file, looked at from its first million bytes on.
    """

    members: int = 20_000
    member_bytes: int = 50_000_000
    total_bytes: int = 4_000_000_000
    ratio: float = 200.0


class UnfitMemberError(GradingError):
    """One file of an archive cannot be taken; the others can."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its path, and the date that the archive gives it (in UTC), if it gives one."""

    path: PurePosixPath
    date: datetime | None
    info: zipfile.ZipInfo = field(repr=False, compare=False)

    def __str__(self) -> str:
        return shown(str(self.path))


class Archive:
    """An open zip file, whose list of members has been looked through.

    Args:
        path: the file.
        zone: the time zone of dates in it that name none.
        limits: what to stay within.

    Raises:
        GradingError: if it is no zip file, is damaged, or has what no learning platform writes: an absolute path or
            one with '..', a link or special file, an encrypted member, too many members.
    """

    def __init__(self, path: Path, zone: tzinfo | None = None, limits: Limits = Limits()):
        self.path, self._zone, self._limits, self._spent = path, zone, limits, 0
        try:
            _check_directory_size(path, limits)
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise GradingError(f"{path} cannot be read ({error.strerror}); name a zip file that is there.") from None
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
            raise self._refusal(f"is not a zip file, or is damaged ({error}); download it again") from None
        try:
            self.members = list(self._look_through())
        except GradingError:
            self._zip.close()
            raise

    def copy(self, member: Member, target: BinaryIO) -> None:
        """Unpack a member into an open file, a piece at a time.

        Raises:
            UnfitMemberError: if it is larger than allowed, compressed too well to be true or in another way than
                platforms do, or damaged; the target then holds a part of it.
            GradingError: if everything unpacked so far is more than allowed.
        """
        size, info = 0, member.info
        if info.compress_type not in READABLE:
            raise UnfitMemberError(f"{member} is compressed in a way that no learning platform uses; ask for it again.")
        try:
            with self._zip.open(info) as source:
                while piece := source.read(CHUNK):
                    size += len(piece)
                    self._spent += len(piece)
                    self._check(member, size)
                    target.write(piece)
        except DAMAGE as error:
            raise UnfitMemberError(f"{member} is damaged in {self.path.name} ({error}); download it again.") from None

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _check(self, member: Member, size: int) -> None:
        most = self._limits
        if self._spent > most.total_bytes:
            raise GradingError(
                f"{self.path} unpacks to more than {_megabytes(most.total_bytes)}; what came after {member} was not "
                "collected: collect it in smaller parts."
            )
        if size > most.member_bytes:
            raise UnfitMemberError(
                f"{member} unpacks to more than {_megabytes(most.member_bytes)}; ask for it with its outputs cleared."
            )
        if size > 1_000_000 and size > most.ratio * max(member.info.compress_size, 1):
            raise UnfitMemberError(
                f"{member} unpacks to more than {most.ratio:g} times its size, as a zip bomb does; look at it by hand."
            )

    def _look_through(self) -> Iterator[Member]:
        entries = self._zip.infolist()
        if len(entries) > self._limits.members:
            raise self._refusal(f"has more than {self._limits.members:,} members; collect it in parts")
        for info in entries:
            name = _name(info).replace("\\", "/")
            path = PurePosixPath(name)
            why = None
            if "\0" in info.orig_filename or not path.parts:
                why = "a name that is none"
            elif path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":"):
                why = "a path that leads out of the archive"
            elif stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                why = "a link or special file"
            elif info.flag_bits & 0x2041:
                why = "an encrypted member"
            if why:
                raise self._refusal(f"has {why} ({shown(name)}), which no learning platform writes; download it again")
            if not (info.is_dir() or name.endswith("/") or _is_junk(path)):
                yield Member(path, self._date(info), info)

    def _date(self, info: zipfile.ZipInfo) -> datetime | None:
        """A member's date: UTC from its 'extended timestamp' if it has one, or else a wall clock's."""
        extra = info.extra
        while len(extra) >= 4:
            kind, length = struct.unpack("<HH", extra[:4])
            if kind == 0x5455 and length >= 5 and extra[4] & 1 and len(extra) >= 9:
                return datetime.fromtimestamp(struct.unpack("<l", extra[5:9])[0], timezone.utc)
            extra = extra[4 + length :]
        try:
            return datetime(*info.date_time, tzinfo=self._zone).astimezone(timezone.utc)
        except (ValueError, OverflowError, OSError):
            return None

    def _refusal(self, why: str) -> GradingError:
        return GradingError(f"{self.path} {why}; nothing of it was collected.")


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 where its bytes are, flagged or not, or else the DOS code page of old zip files."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _is_junk(path: PurePosixPath) -> bool:
    return any(part in JUNK for part in path.parts) or path.name.startswith("._")


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"


def _check_directory_size(path: Path, limits: Limits) -> None:
    """Refuse a list of members that would not fit in memory, before it is read.

    The end record (APPNOTE.TXT 4.3.16, 4.3.14 for zip64) tells its size; ``zipfile`` reads as many bytes.
    """
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 66_000))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    size = struct.unpack("<L", tail[at + 12 : at + 16])[0] if at >= 0 else 0
    wide = tail.rfind(b"PK\x06\x06")
    if wide >= 0:
        size = struct.unpack("<Q", tail[wide + 40 : wide + 48])[0]
    if size > limits.members * 1024:
        raise GradingError(
            f"{path} has more than {limits.members:,} members; collect it in parts; nothing of it was collected."
        )
