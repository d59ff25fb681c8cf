"""The frozen descriptors that plugins hand to the core: no code ever has to ask "is this mine?"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from marketplace.lifecycle import StateMachine
from marketplace.money import Money

if TYPE_CHECKING:
    from flask import Blueprint

    from marketplace.pages import LateBlueprint

Text = Any
"""A str or a lazily translated text."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a listing's card shows beyond the core's columns: a bar in per cent, figures with labels, a badge."""

    progress: int | None = None
    figures: tuple[tuple[str, str], ...] = ()
    badge: Text | None = None


@dataclass(frozen=True, slots=True)
class ListingKind:
    """One kind of listing.

    `endpoint` shows it (called with listing_id and slug), `new_endpoint` starts one, `edit_endpoint` changes one.
    `card_facts` answers for many listing ids with ONE SQL statement. `publish_problems` names what is missing before a
    listing may be published. `on_publish` and `on_close` run inside the transaction that changes the listing's state.
    `api_details` gives the kind's part of the API answer for one listing id.
    `together` are the words with which a wish that nobody could fulfil is offered to become a listing of this kind, for
    which many pay together ("Buy it together"); `new_endpoint` then gets `title`, `category` and `place` in its query.
    """

    name: str
    label: Text
    plural: Text
    icon: str
    endpoint: str
    new_endpoint: str | None = None
    edit_endpoint: str | None = None
    card_facts: Callable[[Sequence[int]], Mapping[int, CardFacts]] | None = None
    publish_problems: Callable[[Any], Sequence[str]] | None = None
    on_publish: Callable[[Any], None] | None = None
    on_close: Callable[[Any], None] | None = None
    api_details: Callable[[int], Mapping[str, Any]] | None = None
    help: Text = ""
    together: Text = ""


class Remedy(StrEnum):
    """What a verdict may do with an agreement of a kind it has never heard of."""

    REFUND_IN_FULL = "refund_in_full"
    PAY_THE_OWNER = "pay_the_owner"
    KEEP_PART_OF_THE_DEPOSIT = "keep_part_of_the_deposit"


@dataclass(frozen=True, slots=True)
class TermLine:
    """One line of an agreement's frozen terms as people read it."""

    label: Text
    value: Text


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of what an agreement costs; lines are summed."""

    label: Text
    amount: Money


@dataclass(frozen=True, slots=True)
class TodoItem:
    """One thing that waits for a member: what, where, and by when (UTC).

    `action` is what the button says that leads there. `begins`: it is to be done from `due` on, not before it. `waits`: it is
    the other side's turn, so that it stands on the agreement's page only, without a button.
    """

    text: Text
    url: str
    due: Any | None = None
    icon: str = "bell"
    action: Text = ""
    begins: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why an account can't be closed yet, and where to do something about it; `money` in addition, if any."""

    text: Text
    url: str = ""
    money: Any | None = None


@dataclass(frozen=True)
class AgreementKind:
    """One kind of agreement: its state machine, what each move does, and how its terms read.

    `effects` maps a transition's name to what runs inside the transition's transaction, after the state was set.
    `describe` turns the frozen terms into lines. `todo(agreement, role)` says what the person should do now, if anything.
    `reviewed` says what may be reviewed once one is completed: "person" for the two parties, "item" for the thing as well.
    `charged_at_once` names the purposes of payments whose card is charged as soon as it is given, so that payers read it.
    `purposes` says in words what payments of each purpose are for; where there is one payment only, it need not.
    `foresee(agreement, transition, role)` says in figures what a move that asks "are you sure?" would mean now, "" for nothing.
    """

    name: str
    label: Text
    icon: str
    machine: StateMachine
    effects: Mapping[str, Callable[[Any, Any], None]] = field(default_factory=dict)
    describe: Callable[[Any], Sequence[TermLine]] | None = None
    remedies: frozenset[Remedy] = frozenset()
    todo: Callable[[Any, str], TodoItem | None] | None = None
    reviewed: frozenset[str] = frozenset()
    charged_at_once: frozenset[str] = frozenset()
    purposes: Mapping[str, Text] = field(default_factory=dict)
    foresee: Callable[[Any, str, str], str] | None = None


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """A setting that an operator may change while the site runs; `type` decides the form field and the check.

    `check(value)` gives a sentence when a value of the right type still can't be right, else None.
    """

    key: str
    label: Text
    type: Literal["bool", "int", "decimal", "str", "money"]
    default: Any
    help: Text = ""
    minimum: Any = None
    maximum: Any = None
    group: Text = ""
    check: Callable[[Any], Text | None] | None = None


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of background work; `handler(payload)` may run twice. `every` makes it recurring.

    `at_hour` (0 to 23, in the site's zone) is when a daily one runs; without it the first run is at once.
    """

    name: str
    handler: Callable[[dict[str, Any]], None]
    every: timedelta | None = None
    max_attempts: int = 12
    label: Text = ""
    at_hour: int | None = None


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """Something that members are told.

    `text` is a lazily translated sentence that names the facts as %(name)s; it is put into words in the reader's language
    when it is read. `group` is the heading under which a member chooses whether to get it by mail. The mail is the template
    `email/<template, or else name>.txt`, and where there is none, what the list says. `mail` False never mails; `required`
    mails whatever the member chose (money is at stake).
    """

    name: str
    text: Text
    group: Literal["messages", "agreements", "listings", "payments", "community"] = "agreements"
    icon: str = "bell"
    template: str = ""
    mail: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link in the "main", "account", "operator" or "footer" navigation; small orders come first."""

    label: Text
    endpoint: str
    icon: str = ""
    order: int = 50


@dataclass(frozen=True, slots=True)
class SlotFill:
    """A template of the plugin and its context, shown in a slot; small orders come first."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    order: int = 50


@dataclass(frozen=True, slots=True)
class PageAction:
    """A button on a subject's page; `method` "post" makes it a form with a CSRF token."""

    label: Text
    url: str
    icon: str = ""
    method: Literal["get", "post"] = "get"
    primary: bool = False


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """Something an operator should know: level "error" or "warning", and what to do about it."""

    level: Literal["error", "warning"]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class BlueprintAt:
    """A blueprint and the address it lives under.

    Named as "package.module:blueprint" it loads late: `make addresses` keeps its addresses in the package's table, and its
    code is imported when one of its pages is first asked for.
    """

    blueprint: Blueprint | LateBlueprint | str
    url_prefix: str | None = None
