"""The kinds of field a resource's schema is made of: one source of names, types, checks and words for every face."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema, ValidationError, fields, post_load, pre_load, validate

LARGEST_ID = 2**63 - 1
LARGEST_AMOUNT = Decimal("99999999999.9999")
WEB = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?", re.IGNORECASE)

WEB_WORDS = _l("This is not a web address, such as https://example.org.")


class FaceField(fields.Field[Any]):
    """What every kind has beside its type: words for people and a place in the form."""

    kind = "text"
    target: str | None = None
    custom_id: int | None = None
    needed: bool = False
    standard: str | None = None

    def __init__(
        self,
        *,
        label: Any = None,
        help: Any = None,
        group: Any = None,
        mono: bool = False,
        suffix: Any = None,
        nullable: bool | None = None,
        **options: Any,
    ) -> None:
        required = options.get("required", False)
        options.setdefault("allow_none", not required if nullable is None else nullable)
        super().__init__(**options)
        self.label, self.help, self.group, self.mono, self.suffix = label, help, group, mono, suffix

    @property
    def column(self) -> str:
        """Return the name of the table's column, `custom.<id>` when the value stands among the custom ones."""
        return self.attribute or str(self.name) if self.custom_id is None else f"custom.{self.custom_id}"

    def words(self, context: Any) -> Mapping[str, Any]:
        """Return {code: word} of what may stand here in a context, nothing when that is no set of codes."""
        return {}


class Text(FaceField, fields.String):
    """A line of text, trimmed; `key` names the column that holds its case-insensitive twin.

    An `exact` text is filtered and sorted as it was typed, and its rule fills the twin when it wants to.
    """

    def __init__(
        self,
        *,
        max: int = 255,
        key: str | None = None,
        exact: bool = False,
        multiline: bool = False,
        **options: Any,
    ) -> None:
        self.max, self.key, self.exact = max, key, exact
        self.kind = "longtext" if multiline else "text"
        checks = [validate.Length(max=max), *options.pop("checks", ())]
        if options.get("required"):
            checks.insert(0, validate.Length(min=1, error=_l("This is needed.")))
        super().__init__(validate=checks, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str):
            raise self.make_error("invalid")
        if "\x00" in value:
            raise ValidationError(_("NUL characters are not text."))
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValidationError(_("Half a character pair is not text.")) from None
        value = value.strip()
        if not value and self.allow_none:
            return None
        return value

    def _validate(self, value: Any) -> None:
        if value is not None:  # what was blank has no length
            super()._validate(value)

    @property
    def twin(self) -> str | None:
        """Return the column that filters and sorts read instead of the text, if there is one."""
        return None if self.exact else self.key


class Url(Text):
    """A web address, drawn as a link."""

    def __init__(self, **options: Any) -> None:
        super().__init__(checks=(validate.Regexp(WEB.pattern + r"\Z", flags=WEB.flags, error=WEB_WORDS),), **options)
        self.kind = "url"


class Whole(FaceField, fields.Integer):
    """A whole number."""

    kind = "whole"

    def __init__(self, *, min: int = 0, max: int = 2_147_483_647, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=min, max=max), **options)
        self.min, self.max = min, max

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Number(FaceField, fields.Decimal):
    """A decimal number of at most so many places, a number in JSON."""

    kind = "number"

    def __init__(
        self,
        *,
        min: Decimal | int = -LARGEST_AMOUNT,
        max: Decimal | int = LARGEST_AMOUNT,
        places: int = 4,
        **options: Any,
    ) -> None:
        self.range = validate.Range(min=Decimal(min), max=Decimal(max))
        self.step, self.decimals = Decimal(1).scaleb(-places), places
        super().__init__(**options)

    def _validated(self, value: Any) -> Any:
        if (isinstance(value, bool | float) and value != value) or isinstance(value, bool):
            raise self.make_error("invalid")
        if isinstance(value, str) and len(value) > 40:
            raise self.make_error("invalid")
        try:
            amount = super()._validated(value)
            if amount is None or not amount.is_finite():
                raise self.make_error("invalid")
            if amount != amount.quantize(self.step):
                raise ValidationError(_("At most %(count)s decimals.", count=self.decimals))
        except InvalidOperation:
            raise self.make_error("invalid") from None
        bounded: Decimal = self.range(amount)
        return bounded


class Amount(Number):
    """An amount of money, at most four decimals, a string in JSON."""

    kind = "amount"

    def __init__(self, **options: Any) -> None:
        super().__init__(min=0, as_string=True, **options)


class Day(FaceField, fields.Date):
    """A calendar day, ISO 8601."""

    kind = "day"

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if not isinstance(value, str) or len(value) != 10:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)


class Moment(FaceField, fields.AwareDateTime):
    """A moment, RFC 3339, UTC with milliseconds on the way out."""

    kind = "moment"

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


class Flag(FaceField, fields.Boolean):
    """Yes or no."""

    kind = "flag"

    def __init__(self, **options: Any) -> None:
        options.setdefault("nullable", False)
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value is True or value is False:
            return value
        raise self.make_error("invalid", input=value)


class Choice(FaceField, fields.String):
    """One of a fixed set of codes, each with its word."""

    kind = "choice"

    def __init__(self, choices: Mapping[str, Any], **options: Any) -> None:
        self.choices = dict(choices)
        checks = [validate.OneOf(tuple(self.choices))]
        super().__init__(validate=checks, **options)

    def words(self, context: Any) -> Mapping[str, Any]:
        """Return {code: word} of the set."""
        return self.choices


class Reference(FaceField, fields.Integer):
    """The id of a row of another resource; one that is made of its name alone is `made_with` some fields."""

    kind = "reference"

    def __init__(self, target: str, *, made_with: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=1, max=LARGEST_ID), **options)
        self.target, self.made_with = target, made_with or {}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Name(FaceField, fields.String):
    """The name of what a reference points to: read-only, filled from the label caches."""

    kind = "name"

    def __init__(self, of: str, **options: Any) -> None:
        super().__init__(dump_only=True, **options)
        self.of = of


class Through(FaceField):
    """A column of what a reference points to, such as the model number of an asset's product: read-only."""

    def __init__(self, of: str, column: str, *, like: FaceField, **options: Any) -> None:
        super().__init__(dump_only=True, **options)
        self.of, self.source, self.like = of, column, like
        self.kind, self.target = like.kind, like.target


class Derived(FaceField):
    """What follows from other fields of a row (`needs`): computed after the row is read, neither stored nor sorted."""

    def __init__(self, like: FaceField, *, needs: tuple[str, ...], compute: Callable[..., Any], **options: Any) -> None:
        super().__init__(dump_only=True, **options)
        self.like, self.needs, self.compute = like, needs, compute
        self.kind = like.kind

    def words(self, context: Any) -> Mapping[str, Any]:
        """Return the words of what it is like."""
        return self.like.words(context)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return self.like._serialize(value, attr, obj, **kwargs)


class Custom(FaceField):
    """The values of the organization's own fields, by slug; each of them is a field `custom.<slug>` as well."""

    kind = "custom"

    def __init__(self, **options: Any) -> None:
        super().__init__(dump_only=True, nullable=False, **options)


class Codes(FaceField, fields.List[Any]):
    """A list of short texts, such as a key's scopes; `choices` may be a function of the context."""

    kind = "codes"

    def __init__(
        self, choices: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None = None, **options: Any
    ) -> None:
        self.choices = choices
        only = [validate.OneOf(tuple(choices))] if isinstance(choices, Mapping) and options.pop("strict", False) else []
        inner = fields.String(validate=[validate.Length(max=255), *only])
        super().__init__(cls_or_instance=inner, validate=validate.Length(max=200), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            found = error.messages if isinstance(error.messages, list) else next(iter(error.messages.values()))
            raise ValidationError(found) from None

    def words(self, context: Any) -> Mapping[str, Any]:
        """Return {code: word} of what may be chosen in a context."""
        return self.choices(context) if callable(self.choices) else self.choices or {}


class ResourceSchema(Schema):
    """The fields that every resource has; what a resource adds comes between them."""

    class Meta:
        """Unknown keys are errors."""

        unknown = RAISE

    id = Whole(dump_only=True, label=_l("Id"), max=LARGEST_ID, nullable=False)
    guid = Text(dump_only=True, label=_l("Global id"), nullable=False)
    created_at = Moment(dump_only=True, label=_l("Created"), nullable=False)
    updated_at = Moment(dump_only=True, label=_l("Changed"), nullable=False)
    version = Whole(dump_only=True, label=_l("Version"), nullable=False)


class SoftDeletedSchema(ResourceSchema):
    """A resource whose rows can be deleted and brought back."""

    deleted_at = Moment(dump_only=True, label=_l("Deleted"), nullable=True)


class OwnFields:
    """What a schema does to take the organization's own fields together under `custom`."""

    @pre_load
    def lift_custom(self, data: Any, **_options: Any) -> Any:
        """Lift `{"custom": {"ram": 16}}` to `{"custom.ram": 16}`; an unknown one is refused as any unknown key."""
        if not isinstance(data, Mapping) or "custom" not in data:
            return data
        if not isinstance(data["custom"], Mapping):
            raise ValidationError({"custom": [_("This is not an object.")]})
        own = {f"custom.{slug}": value for slug, value in data["custom"].items()}
        return {name: value for name, value in data.items() if name != "custom"} | own

    @post_load
    def flatten_custom(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Name custom values as fields are named: marshmallow nests what has a dot."""
        own = data.pop("custom", {})
        return data | {f"custom.{slug}": value for slug, value in own.items()}


class CustomizedSchema(OwnFields, SoftDeletedSchema):
    """A resource that organizations may give fields of their own."""

    custom = Custom(label=_l("Own fields"))


@lru_cache(maxsize=1024)
def schema_fields(schema: type[Schema]) -> dict[str, FaceField]:
    """Return a schema's fields by name: own ones in their order, the common ones around them."""
    return {name: field for name, field in schema().fields.items() if isinstance(field, FaceField)}
