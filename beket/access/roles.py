"""Owns who may ever do what: roles, actions and the ceiling of each role, as one table that people can read.

A role is only a ceiling. What it reaches is decided in `permit`: an action marked EVERYWHERE needs nothing more, one
marked BY_GRANT needs a grant that names the thing. What the table does not list is never allowed.
Note: beket/access/design/0006-access-and-trust.md.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """The one role of an account; a person with two duties has two accounts."""

    HEAD = "head"
    DEPUTY = "deputy"
    SECRETARY = "secretary"
    STAROSTA = "starosta"
    INSTITUTION_HEAD = "institution-head"
    FINANCE = "finance"
    IT = "it"
    POLICE = "police"
    POLICE_WALL = "police-wall"
    AUDITOR = "auditor"
    TECHNICIAN = "technician"


class Action(StrEnum):
    """What can be done to a resource; the journal spells them the same way."""

    SEE_STATUS = "see-status"
    SEE_LISTS = "see-lists"
    TAKE_TEST_CLIP = "take-test-clip"
    VIEW_LIVE = "view-live"
    VIEW_ARCHIVE = "view-archive"
    HOLD = "hold"
    REQUEST_COPY = "request-copy"
    APPROVE_COPY = "approve-copy"
    EXPORT_COPY = "export-copy"
    EDIT_INVENTORY = "edit-inventory"
    MANAGE_USERS = "manage-users"
    MANAGE_AGENTS = "manage-agents"
    READ_JOURNAL = "read-journal"
    READ_POLICE_JOURNAL = "read-police-journal"
    RESTORE_BACKUP = "restore-backup"


class May(StrEnum):
    """How far an action of a role reaches."""

    EVERYWHERE = "everywhere"
    BY_GRANT = "by-grant"


POLICE_ROLES = frozenset({Role.POLICE, Role.POLICE_WALL})

# They show or take a picture, or decide its fate: they are about one camera, never about a site or the community.
CAMERA_ACTIONS = frozenset(
    {
        Action.TAKE_TEST_CLIP,
        Action.VIEW_LIVE,
        Action.VIEW_ARCHIVE,
        Action.HOLD,
        Action.REQUEST_COPY,
        Action.EXPORT_COPY,
    }
)
# Asked of everybody but the police, whose grant already names a document.
REASONED_ACTIONS = frozenset({Action.VIEW_LIVE, Action.VIEW_ARCHIVE, Action.HOLD})
# Asked of everybody.
ALWAYS_REASONED_ACTIONS = frozenset({Action.READ_POLICE_JOURNAL, Action.RESTORE_BACKUP})
# Done only after they are in the journal; the rest shows states and numbers.
JOURNALED_ACTIONS = frozenset(Action) - {Action.SEE_STATUS, Action.SEE_LISTS, Action.READ_JOURNAL}

_EVERYWHERE, _BY_GRANT = May.EVERYWHERE, May.BY_GRANT

CEILING: Mapping[Role, Mapping[Action, May]] = {
    Role.HEAD: {
        Action.SEE_STATUS: _EVERYWHERE,
        Action.SEE_LISTS: _EVERYWHERE,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
        Action.APPROVE_COPY: _EVERYWHERE,
        Action.EXPORT_COPY: _BY_GRANT,
        Action.MANAGE_USERS: _EVERYWHERE,
        Action.READ_JOURNAL: _EVERYWHERE,
        Action.READ_POLICE_JOURNAL: _EVERYWHERE,
        Action.RESTORE_BACKUP: _EVERYWHERE,
    },
    Role.DEPUTY: {
        Action.SEE_STATUS: _EVERYWHERE,
        Action.SEE_LISTS: _EVERYWHERE,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
        Action.APPROVE_COPY: _EVERYWHERE,
        Action.EXPORT_COPY: _BY_GRANT,
        Action.MANAGE_USERS: _EVERYWHERE,
        Action.READ_JOURNAL: _EVERYWHERE,
    },
    Role.SECRETARY: {
        Action.SEE_STATUS: _EVERYWHERE,
        Action.SEE_LISTS: _EVERYWHERE,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
        Action.APPROVE_COPY: _EVERYWHERE,
        Action.EXPORT_COPY: _BY_GRANT,
        Action.READ_JOURNAL: _EVERYWHERE,
    },
    Role.STAROSTA: {
        Action.SEE_STATUS: _BY_GRANT,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
    },
    Role.INSTITUTION_HEAD: {
        Action.SEE_STATUS: _BY_GRANT,
        Action.SEE_LISTS: _BY_GRANT,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
        Action.RESTORE_BACKUP: _BY_GRANT,
    },
    Role.FINANCE: {Action.SEE_LISTS: _EVERYWHERE},
    # Health and a ten-second test picture, never the archive; who edits the inventory does not make accounts.
    Role.IT: {
        Action.SEE_STATUS: _EVERYWHERE,
        Action.SEE_LISTS: _EVERYWHERE,
        Action.TAKE_TEST_CLIP: _EVERYWHERE,
        Action.EDIT_INVENTORY: _EVERYWHERE,
        Action.MANAGE_AGENTS: _EVERYWHERE,
        Action.READ_JOURNAL: _EVERYWHERE,
        Action.RESTORE_BACKUP: _EVERYWHERE,
    },
    Role.POLICE: {
        Action.SEE_STATUS: _BY_GRANT,
        Action.VIEW_LIVE: _BY_GRANT,
        Action.VIEW_ARCHIVE: _BY_GRANT,
        Action.HOLD: _BY_GRANT,
        Action.REQUEST_COPY: _BY_GRANT,
        Action.EXPORT_COPY: _BY_GRANT,
    },
    Role.POLICE_WALL: {Action.SEE_STATUS: _BY_GRANT, Action.VIEW_LIVE: _BY_GRANT},
    Role.AUDITOR: {Action.READ_JOURNAL: _EVERYWHERE, Action.READ_POLICE_JOURNAL: _EVERYWHERE},
    Role.TECHNICIAN: {Action.SEE_STATUS: _BY_GRANT, Action.TAKE_TEST_CLIP: _BY_GRANT},
}
