"""The command line: the group `hostelctl`, and its commands."""

import click

from ctl.agents import agents
from ctl.audit import audit
from ctl.backup import backup
from ctl.base import Group
from ctl.config import config
from ctl.doctor import doctor
from ctl.invite import invite
from ctl.keys import keys
from ctl.signing import master, signing
from ctl.status import status
from ctl.workspaces import delete, restore, show, stop, workspaces


@click.group(cls=Group)
@click.version_option(package_name="hostel", message="%(package)s %(version)s")
def hostelctl() -> None:
    """Look after a hostel: its workspaces, its daemons, its invitations. To be run as root, on the host itself.

    The options --json, --socket and --config may stand before or after a command's name.

    \b
    Exit status:
      0  it is done
      1  it failed; for `doctor`, something needs repair
      2  the command line is wrong
      3  hostd cannot be reached
      4  there is no such workspace
    """  # noqa: D301  # click takes the character itself


for _command in (
    *(status, workspaces, show, stop, delete, restore, invite, keys, doctor, config, agents, audit),
    *(signing, master, backup),
):
    hostelctl.add_command(_command)
