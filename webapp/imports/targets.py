"""What a file's columns may become, a table a resource: the field, its kind, and the headings people give it.

Headings are written as `mapping.normalize_heading` makes them ("no" stands for number, nr and #), the likeliest first.
They cover our own names and labels, Snipe-IT's exports and samples, AssetTiger's exports, and common sheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.core.fields import FaceField
from webapp.core.resource import Resource, registry


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column can become; `key` says that rows can be matched by it.

    Kinds: text, longtext, day, whole, amount, number, flag, choice (of `words`), choices, currency, and name (of a row
    of `refers_to`).
    """

    label: Any
    kind: str
    names: tuple[str, ...]
    key: bool = False
    refers_to: str | None = None
    words: Mapping[str, Any] | None = None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


ASSET_TARGETS: dict[str, Target] = {
    "tag": Target(
        _l("Tag"),
        "text",
        _names(
            "tag, asset tag, asset tag id, asset tag no, tag no, tag id, asset id, asset no, inventory no, inv "
            "no, inventory tag, inventory id, barcode, bar code, asset code, label no, inventar no, inventarno, "
            "inventarnummer, anlagen no, no d inventaire, no inventaire, no de inventario, no inventario, "
            "etiqueta, inventarisno, inventory"
        ),
        key=True,
    ),
    "serial_number": Target(
        _l("Serial number"),
        "text",
        _names(
            "serial no, serial, s n, sn, serialno, serial code, serial no s n, service tag, manufacturer serial "
            "no, device serial no, asset serial, asset serial no, imei, serien no, seriennummer, no de serie, no "
            "serie, n de serie, matricola, serienummer, serie no"
        ),
        key=True,
    ),
    "name": Target(
        _l("Name"),
        "text",
        _names(
            "name, asset name, item name, item, asset, title, description, asset description, item description, "
            "device name, device, equipment, equipment name, hostname, computer name, bezeichnung, gerat, "
            "gegenstand, nom, designation, libelle, nombre, descripcion, denominazione, nome, descrizione, naam, "
            "omschrijving, nazwa, benamning, navn"
        ),
    ),
    "product": Target(
        _l("Product"),
        "name",
        _names(
            "product, model, model name, asset model, product name, device model, model description, modell, "
            "produkt, modele, produit, modelo, producto, modello, prodotto, produto"
        ),
        refers_to="products",
    ),
    "model_number": Target(
        _l("Model number"),
        "text",
        _names(
            "model no, model id, model code, part no, mpn, product no, product code, modell no, modellnummer, no "
            "de modele, modelnummer, sku"
        ),
    ),
    "manufacturer": Target(
        _l("Manufacturer"),
        "name",
        _names(
            "manufacturer, make, brand, maker, mfr, mfg, vendor brand, oem, hersteller, marke, fabricant, marque, "
            "fabricante, marca, produttore, merk, fabrikant, producent, tillverkare"
        ),
        refers_to="manufacturers",
    ),
    "category": Target(
        _l("Category"),
        "name",
        _names(
            "category, asset category, category name, asset type, type, device type, equipment type, class, asset "
            "class, item category, item type, kategorie, art, categorie, categoria, tipo, kategoria, kategori"
        ),
        refers_to="categories",
    ),
    "status": Target(
        _l("State"),
        "name",
        _names(
            "status, asset status, status label, state, lifecycle, asset state, status name, zustand, etat, "
            "statut, estado, stato"
        ),
        refers_to="statuses",
    ),
    "location": Target(
        _l("Place"),
        "name",
        _names(
            "location, place, room, location name, asset location, current location, location path, site, office, "
            "building, where, standort, ort, raum, ubicacion, lieu, emplacement, localisation, lugar, posizione, "
            "luogo, locatie, plaats, ruimte, lokalizacja, plats"
        ),
        refers_to="locations",
    ),
    "purchased_on": Target(
        _l("Bought on"),
        "day",
        _names(
            "purchased on, purchase date, bought, bought on, purchased, date purchased, date of purchase, "
            "acquisition date, date acquired, acquired, buy date, invoice date, kaufdatum, gekauft am, "
            "anschaffungsdatum, gekauft, date d achat, date achat, fecha de compra, data de compra, data di "
            "acquisto, data acquisto, aankoopdatum"
        ),
    ),
    "purchase_cost": Target(
        _l("Price"),
        "amount",
        _names(
            "purchase cost, cost, price, purchase price, original cost, unit cost, unit price, amount, value, "
            "purchase value, acquisition cost, kaufpreis, preis, anschaffungswert, anschaffungskosten, kosten, "
            "prix, prix d achat, cout, precio, precio de compra, costo, preco, prezzo, prijs, aankoopprijs"
        ),
    ),
    "currency": Target(
        _l("Currency"),
        "currency",
        _names("currency, currency code, purchase currency, wahrung, devise, moneda, moeda, valuta"),
    ),
    "order_number": Target(
        _l("Order number"),
        "text",
        _names(
            "order no, purchase order, purchase order no, po no, po, order, invoice no, invoice, order id, "
            "bestell no, bestellnummer, auftrags no, no de commande, commande, no de pedido, pedido, no ordine, "
            "ordine, bestelno"
        ),
    ),
    "warranty_months": Target(
        _l("Warranty (months)"),
        "whole",
        _names(
            "warranty months, warranty, warranty month, warranty period, warranty length, warranty in months, "
            "garantie monate, garantie, garantie mois, garantia meses, garantia, garanzia mesi"
        ),
    ),
    "warranty_expires_on": Target(
        _l("Warranty until"),
        "day",
        _names(
            "warranty expires on, warranty expires, warranty until, warranty expiration, warranty expiration "
            "date, warranty expiry, warranty expiry date, warranty end, warranty end date, expiration date, "
            "garantie bis, garantieende, fin de garantie, fin de garantia, garantie tot"
        ),
    ),
    "end_of_life_on": Target(
        _l("End of life"),
        "day",
        _names(
            "end of life on, end of life, eol date, asset eol date, eol, end of life date, replace on, "
            "replacement date, lebensende, fin de vie, fin de vida"
        ),
    ),
    "notes": Target(
        _l("Notes"),
        "longtext",
        _names(
            "notes, asset notes, note, comments, comment, remarks, remark, memo, details, additional information, "
            "notizen, bemerkung, bemerkungen, kommentar, remarques, commentaires, commentaire, notas, "
            "observaciones, comentarios, note asset, opmerkingen, uwagi, anteckningar"
        ),
    ),
}

TARGETS: dict[str, dict[str, Target]] = {"assets": ASSET_TARGETS}

LEFT_OUT: dict[str, tuple[tuple[Any, tuple[str, ...]], ...]] = {
    "assets": (
        (
            _l("Check-outs are not imported yet."),
            (
                r"check(ed)? ?out.*",
                r"check ?in.*",
                r"assigned.*",
                r"custod.*",
                "resp",
                "responsible",
                "user",
                "username",
                "owner",
                "held by",
                "last checkout",
                "expected checkin.*",
                "lease.*",
            ),
        ),
        (
            _l("This belongs to the product, not to each asset."),
            ("model notes", "fieldset", "min qty", "eol rate", "eol months"),
        ),
        (_l("Pictures are not imported."), ("image", "photo", "picture", "asset photo", "bild")),
        (
            _l("Audits and maintenance are not imported yet."),
            (".*audit.*", ".*maintenance.*", "last service.*", "next service.*"),
        ),
        (
            _l("Quartermaster works this out or sets it by itself."),
            (
                "id",
                "guid",
                "version",
                "created",
                "created at",
                "created by",
                "date created",
                "updated at",
                "date updated",
                "changed",
                "deleted",
                "deleted at",
                ".*book value",
                "current value",
                "age",
                "url",
                "checkouts",
                "checkins",
                "requests",
            ),
        ),
    )
}

ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "company": _names("company name, organization, firma, entreprise, empresa"),
    "supplier": _names(
        "supplier name, vendor, purchased from, seller, dealer, lieferant, fournisseur, proveedor, fornitore"
    ),
    "department": _names("departments, abteilung, departement, departamento, reparto"),
    "home_location": _names("default location, home location, rtd location, stammplatz"),
    "parent": _names("parent asset, container, parent tag"),
    "technician": _names("assigned technician, techniker"),
    "is_requestable": _names("requestable"),
    "is_byod": _names("byod"),
    "last_audited_on": _names("last audit, last audit date"),
    "next_audit_on": _names("next audit, next audit date"),
    "url": _names("website, web site, homepage"),
    "zip": _names("postal code, postcode, plz"),
}
"""What other programs' files call fields that are targets because the resource has them."""

KINDS = {
    "text": "text",
    "url": "text",
    "longtext": "longtext",
    "day": "day",
    "whole": "whole",
    "amount": "amount",
    "number": "number",
    "flag": "flag",
    "choice": "choice",
}
STANDS_IN = {"description": "name"}
"""What a heading of the first means in a file that has no column for the second."""


def targets_of(resource: Resource | str) -> dict[str, Target]:
    """Return what columns may become: the targets told above, then every other field that a client may write."""
    known = registry.resources.get(resource) if isinstance(resource, str) else resource
    return TARGETS[str(resource)] if known is None else _targets_of(known)


@lru_cache(maxsize=256)
def _targets_of(known: Resource) -> dict[str, Target]:
    found = dict(TARGETS.get(known.name, {}))
    names = {item.of: name for name, item in known.names.items()}
    for name, item in known.writable.items():
        called = names.get(name, name)
        if called not in found and (made := _target(known, called, item)) is not None:
            found[called] = made
    return found


def _target(resource: Resource, name: str, item: FaceField) -> Target | None:
    """Return the target that a field makes, None for what no cell can say."""
    called = (name.removeprefix("custom.").replace("_", " "), *ALSO_CALLED.get(name, ()))
    target = Target(item.label, "", called)
    if item.target is not None:
        return replace(target, kind="name", refers_to=item.target) if name in resource.names else None
    if item.kind == "codes" and item.custom_id is not None:
        return replace(target, kind="choices", words=getattr(item, "choices", None) or {})
    kind = KINDS.get(item.kind)
    return None if kind is None else replace(target, kind=kind, words=getattr(item, "choices", None))
