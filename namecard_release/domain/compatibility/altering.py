"""What other changes of objects mean: options, owners, rights, row security, partitions, enums, domains."""

from __future__ import annotations

from namecard_release.domain.compatibility.catalogue import Space
from namecard_release.domain.compatibility.columns import weigh
from namecard_release.domain.compatibility.state import Origin, State, space_of
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.compatibility.words import kind_of
from namecard_release.domain.sql import Effect


def alter_object(effect: Effect, state: State) -> Ruling:
    """Rule on the other forms of ALTER."""
    space = space_of(effect.kind)
    origin = state.origin(space, effect.relation) if space else Origin.KNOWN
    what = f" ({effect.name})" if effect.name else ""
    why = f"what this change{what} of the {kind_of(effect)} {effect.relation} does to the earlier code is not known"
    return weigh(origin, unknown("alter-object", why))


def change_owner(effect: Effect, state: State) -> Ruling:
    """Rule on OWNER TO: rights that came with ownership go with it."""
    space = space_of(effect.kind) or Space.RELATION
    why = f"{effect.relation} has another owner, and the earlier code may lose rights with that"
    return weigh(state.origin(space, effect.relation), unknown("change-owner", why))


def tune(effect: Effect, state: State) -> Ruling:
    """Rule on storage and statistics: they change no result; views and owned sequences are other things."""
    if effect.kind == "view" or "owned_by" in effect.name:
        return alter_object(effect, state)
    return FINE


def attach_partition(effect: Effect, state: State) -> Ruling:
    """Rule on ATTACH PARTITION: a known table then takes rows within its bounds only."""
    if state.table(effect.name) is not Origin.OURS:
        why = f"{effect.name} becomes a partition of {effect.relation}, and then takes rows within its bounds only"
        return weigh(state.table(effect.name), unsafe("attach-partition", why))
    why = (
        f"rows that the earlier code writes to {effect.relation} may go to {effect.name}, whose rules it does not know"
    )
    return weigh(state.table(effect.relation), unknown("attach-partition", why))


def detach_partition(effect: Effect, state: State) -> Ruling:
    """Rule on DETACH PARTITION: its rows are gone from the table."""
    child, parent = state.table(effect.name), state.table(effect.relation)
    if child is Origin.OURS:
        why = f"rows that the earlier code wrote to {effect.relation} may be in {effect.name}, and go with it"
        return weigh(parent, unknown("detach-partition", why))
    why = f"the rows of {effect.name} are no longer in {effect.relation}, where the earlier code looks for them"
    return weigh(child, unsafe("detach-partition", why))


def enable_row_security(effect: Effect, state: State) -> Ruling:
    """Rule on ENABLE and FORCE ROW LEVEL SECURITY."""
    why = f"{effect.relation} hides rows from whoever no policy lets in, the earlier code included"
    return weigh(state.table(effect.relation), unsafe("enable-row-security", why))


def disable_row_security(effect: Effect, state: State) -> Ruling:
    """Rule on DISABLE ROW LEVEL SECURITY."""
    why = f"{effect.relation} shows rows that were hidden from the earlier code"
    return weigh(state.table(effect.relation), unknown("disable-row-security", why))


def add_enum_value(effect: Effect, state: State) -> Ruling:
    """Rule on ADD VALUE: the earlier code's client refuses a value that it does not know."""
    why = f"{effect.relation} has the new value '{effect.name}', and the earlier code cannot read a row that holds it"
    return weigh(state.origin(Space.TYPE, effect.relation), unknown("add-enum-value", why))


def rename_enum_value(effect: Effect, state: State) -> Ruling:
    """Rule on RENAME VALUE."""
    why = f"the value '{effect.name}' of {effect.relation} has another name, and the earlier code uses the old one"
    return weigh(state.origin(Space.TYPE, effect.relation), unsafe("rename-enum-value", why))


def grant(effect: Effect, state: State) -> Ruling:
    """Rule on GRANT: it gives, but for a membership granted again with an option turned off."""
    if effect.kind != "role" or not effect.name:
        return FINE
    why = f"a membership is granted with {effect.name} false: rights that the earlier code has by it may be lost"
    return unknown("grant-role", why)


def revoke(effect: Effect, state: State) -> Ruling:
    """Rule on REVOKE."""
    space = space_of(effect.kind) or Space.RELATION
    name = effect.relation or "objects of this database"
    why = f"rights on {name} are taken away, and the earlier code may need them"
    return weigh(state.origin(space, effect.relation), unsafe("revoke", why))


def change_domain(effect: Effect, state: State) -> Ruling:
    """Rule on ALTER DOMAIN: columns of known tables may have the type, our own domain's too."""
    why = f"columns of the domain {effect.relation} may refuse what the earlier code writes"
    if state.origin(Space.TYPE, effect.relation) is Origin.KNOWN:
        return unsafe("alter-domain", why)
    return unknown("alter-domain", why)
