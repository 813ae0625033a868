"""What a file's columns may become, a table a resource: the field, its kind, and the headings people give it.

Headings are written as `mapping.normalize_heading` makes them ("no" stands for number, nr and #), the likeliest first.
They cover our own names and labels, Snipe-IT's exports and samples, AssetTiger's exports, and common sheets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column can become; `key` says that rows can be matched by it.

    Kinds: text, longtext, day, whole, amount, currency, and name (of a row of `refers_to`).
    """

    label: Any
    kind: str
    names: tuple[str, ...]
    key: bool = False
    refers_to: str | None = None


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
        (_l("Companies are not kept yet."), ("company", "company name", "organization", "firma")),
        (
            _l("Suppliers are not kept yet."),
            (
                "supplier",
                "supplier name",
                "vendor",
                "purchased from",
                "seller",
                "dealer",
                "lieferant",
                "fournisseur",
                "proveedor",
            ),
        ),
        (_l("Departments are not kept yet."), ("department", "departments", "abteilung", "departement")),
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
            ("model notes", "fieldset", "requestable", "depreciation", "min qty", "eol rate", "eol months"),
        ),
        (_l("The home place is not imported yet."), ("default location", "home location", "rtd location")),
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
