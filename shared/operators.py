"""Operators: accounts of the host that may administer hostel."""

import grp
import pwd


def is_operator(user: str, group: str) -> bool:
    """Whether there is such an account, other than root's, in that group. It may block, as nsswitch.conf says."""
    try:
        account, members = pwd.getpwnam(user), grp.getgrnam(group)
    except KeyError:
        return False
    return account.pw_uid != 0 and (user in members.gr_mem or account.pw_gid == members.gr_gid)
