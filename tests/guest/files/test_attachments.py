import os
import stat
from pathlib import Path

import msgspec
import pytest

from guest.files.attachments import file_name, resolve
from shared.errors import Code, Fault
from shared.files import AttachmentInfo
from shared.guestwire import files as wire
from shared.ids import new_attachment_id
from shared.messages import Failure
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Guest


async def attach(guest: Guest, session: str, data: bytes, name: str = "a.png", attachment: str | None = None) -> object:
    client = await guest.client()
    request = wire.CreateAttachment(
        session=session, attachment=attachment or new_attachment_id(), name=name, media_type="image/png"
    )
    reply = await client.ask(request)
    if isinstance(reply, Failure):
        return reply
    for start in range(0, len(data), 1000):
        await client.link.send(wire.Chunk(data[start : start + 1000]))
    await client.link.send(wire.Sent())
    answer = await client.receive()
    return answer.attachment if isinstance(answer, wire.AttachmentWritten) else answer


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.PNG", ".png"),
        ("a", ""),
        (".bashrc", ""),
        ("x.tar.gz", ".gz"),
        ("a.p/../g", ""),
        ("a.info", ""),
        ("a." + "x" * 11, ""),
        ("a.é", ""),
    ],
)
def test_only_an_extension_is_kept_of_a_name(name: str, extension: str) -> None:
    assert "at1" + extension == file_name("at1", name)


async def test_attachments_are_kept_listed_read_resolved_and_deleted(guest: Guest) -> None:
    session = (await guest.session()).session
    info = await attach(guest, session, b"x" * 2500, "né w.png")
    assert isinstance(info, AttachmentInfo)
    assert ("né w.png", "image/png", 2500) == (info.name, info.media_type, info.size)
    client = await guest.client()
    assert [info] == (await client.call(wire.ListAttachments(session=session))).items
    (found,) = resolve(guest.sessions / session, [info.attachment])
    assert ("né w.png", "image/png", b"x" * 2500) == (found.name, found.media_type, found.path.read_bytes())
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in found.path.parent.iterdir()}
    assert 0o700 == stat.S_IMODE(found.path.parent.stat().st_mode)
    reader = await guest.client()
    opened = await reader.call(wire.ReadAttachment(session=session, attachment=info.attachment))
    await reader.link.send(wire.Take(offset=0, length=opened.size))
    assert wire.Chunk(b"x" * 2500) == await reader.receive()
    await client.call(wire.DeleteAttachment(session=session, attachment=info.attachment))
    assert [] == os.listdir(found.path.parent)
    for request in (
        wire.DeleteAttachment(session=session, attachment=info.attachment),
        wire.ReadAttachment(session=session, attachment=info.attachment),
    ):
        with pytest.raises(Fault, match="not_found"):
            await client.call(request)
    with pytest.raises(Fault, match="not_found"):
        resolve(guest.sessions / session, [info.attachment])


async def test_the_bytes_of_a_session_s_attachments_have_an_end(make_guest: MakeGuest) -> None:
    guest = make_guest(attachments=3000, file_max=2500)
    session = (await guest.session()).session
    assert isinstance(await attach(guest, session, b"x" * 2000), AttachmentInfo)
    over = await attach(guest, session, b"x" * 1001)
    assert isinstance(over, Failure)
    assert Code.LIMIT == over.code
    large = await attach(guest, session, b"x" * 2501)
    assert isinstance(large, Failure)
    assert Code.TOO_LARGE == large.code
    last = await attach(guest, session, b"x" * 1000)
    assert isinstance(last, AttachmentInfo)
    assert isinstance(await attach(guest, session, b"y" * 900, attachment=last.attachment), AttachmentInfo)
    assert [] == os.listdir(guest.sessions / session / "incoming")


async def test_the_number_of_a_session_s_attachments_has_an_end(guest: Guest) -> None:
    session = (await guest.session()).session
    first = await attach(guest, session, b"x")
    assert isinstance(first, AttachmentInfo)
    folder = guest.sessions / session / "attachments"
    record = (folder / f"{first.attachment}.info").read_bytes()
    for _ in range(499):
        name = new_attachment_id()
        (folder / f"{name}.info").write_bytes(record)
        (folder / f"{name}.png").write_bytes(b"")
    over = await attach(guest, session, b"x")
    assert isinstance(over, Failure)
    assert Code.LIMIT == over.code
    assert isinstance(await attach(guest, session, b"y", attachment=first.attachment), AttachmentInfo)


@pytest.mark.parametrize("damage", ["junk", "fifo", "link", "folder", "name", "time", "file-link", "file-fifo"])
async def test_what_the_tenant_has_damaged_is_as_if_it_were_not_there(guest: Guest, tmp_path: Path, damage: str) -> None:
    session = (await guest.session()).session
    info = await attach(guest, session, b"x")
    assert isinstance(info, AttachmentInfo)
    folder = guest.sessions / session / "attachments"
    record, file = folder / f"{info.attachment}.info", folder / f"{info.attachment}.png"
    good = msgspec.json.decode(record.read_bytes())
    (file if damage.startswith("file-") else record).unlink()
    match damage:
        case "junk":
            record.write_bytes(b"\xff{" * 10_000)
        case "fifo":
            os.mkfifo(record)
        case "link":
            (tmp_path / "other").write_bytes(msgspec.json.encode(good))
            record.symlink_to(tmp_path / "other")
        case "folder":
            record.mkdir()
        case "name":
            record.write_bytes(msgspec.json.encode(good | {"name": "../../x"}))
        case "time":
            record.write_bytes(msgspec.json.encode(good | {"created": "2026-02-30T00:00:00.000Z"}))
        case "file-link":
            (tmp_path / "secret").write_text("secret")
            file.symlink_to(tmp_path / "secret")
        case "file-fifo":
            os.mkfifo(file)
    client = await guest.client()
    assert [] == (await client.call(wire.ListAttachments(session=session))).items
    with pytest.raises(Fault, match="not_found"):
        await client.call(wire.ReadAttachment(session=session, attachment=info.attachment))
    with pytest.raises(Fault, match="not_found"):
        resolve(guest.sessions / session, [info.attachment])


async def test_a_folder_that_is_a_link_is_not_entered(guest: Guest, tmp_path: Path) -> None:
    session = (await guest.session()).session
    (guest.sessions / session / "attachments").symlink_to(tmp_path)
    failure = await attach(guest, session, b"x")
    assert isinstance(failure, Failure)
    assert [] == os.listdir(tmp_path)
