"""Data: what people and other programs call our fields, and which of their columns no field takes.

Headings are written as `mapping.normalize_heading` makes them ("no" stands for number, nr and #), the likeliest first.
Our own names and labels are not here: they are known in every language the interface speaks. These are Snipe-IT's
exports and samples, AssetTiger's exports, and what home-made sheets say in the languages around.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

COMMON: dict[str, str] = {
    "guid": "global id, guid, uuid",
    "name": "name, title, bezeichnung, nombre, nom, nome, naam",
    "email": "email, e mail, email address, e mail address, mail, email addr, e mail adresse, mailadresse, adresse e "
    "mail, courriel, correo electronico, correo, posta elettronica, e mailadres",
    "phone": "phone, phone no, telephone, telephone no, tel, tel no, contact phone, mobile, mobile phone, mobile no, "
    "cell, cell phone, telefon, telefonnummer, handy, telefono, telefoon",
    "fax": "fax, fax no, telefax, faxnummer",
    "notes": "notes, note, comments, comment, remarks, remark, memo, details, additional information, notizen, notiz, "
    "bemerkung, bemerkungen, kommentar, remarques, commentaires, commentaire, notas, observaciones, comentarios, "
    "opmerkingen, uwagi, anteckningar, description",
    "url": "url, website, web site, homepage, home page, web address, webseite, internetseite, sitio web, site web",
    "address_line_1": "address, address 1, address1, street, street address, address line 1, address line1, strasse, "
    "anschrift, adresse, direccion, calle, rue, indirizzo, adres, endereco",
    "address_line_2": "address2, address 2, address line 2, address line2, suite, adresszusatz, direccion 2",
    "city": "city, town, stadt, wohnort, ciudad, ville, citta, cidade, municipality",
    "state": "state, province, region, state province, county, bundesland, provincia, comunidad",
    "zip": "zip, zip code, zipcode, postal code, postcode, post code, plz, postleitzahl, codigo postal, cp",
    "country": "country, country code, land, pais, pays, paese",
    "currency": "currency, currency code, purchase currency, wahrung, devise, moneda, moeda, valuta",
    "latitude": "lat, breitengrad, latitud",
    "longitude": "lng, lon, long, langengrad, longitud",
    "company": "company, company name, organization, organisation, firma, unternehmen, entreprise, empresa, societe",
    "supplier": "supplier, supplier name, vendor, vendor name, purchased from, bought from, seller, dealer, lieferant, "
    "handler, fournisseur, proveedor, fornitore",
    "department": "department, department name, departments, dept, abteilung, departement, departamento, reparto, "
    "afdeling",
    "customer": "customer, customer name, client, kunde, cliente",
    "location": "location, place, room, location name, asset location, current location, location path, site, site "
    "name, office, building, where, standort, ort, raum, ubicacion, lieu, emplacement, localisation, lugar, posizione, "
    "luogo, locatie, plaats, ruimte, lokalizacja, plats",
    "location.above": "site, site name, building, gebaude, edificio, campus",
    "manager": "manager, manager name, manager full name, supervisor, reports to, line manager, vorgesetzter, "
    "vorgesetzte, jefe, responsable, superior",
    "manager.first_name": "manager first name",
    "manager.last_name": "manager last name",
    "manager.username": "manager username, manager user name",
    "manager.email": "manager email, manager e mail, supervisor email",
    "manager.employee_number": "manager employee no, manager employee num, manager id",
    "manufacturer": "manufacturer, manufacturer name, make, brand, maker, mfr, mfg, vendor brand, oem, hersteller, "
    "marke, fabricant, marque, fabricante, marca, produttore, merk, fabrikant, producent, tillverkare",
    "category": "category, asset category, category name, asset type, type, device type, equipment type, class, asset "
    "class, item category, item type, sub category, subcategory, kategorie, art, categorie, categoria, tipo, "
    "kategoria, kategori",
    "category.sub": "sub category, subcategory, sub category name, unterkategorie, subcategoria",
    "model_number": "model no, model id, model code, part no, mpn, product no, product code, modell no, modellnummer, "
    "no de modele, modelnummer, sku",
    "depreciation": "depreciation, depreciation name, depreciation class, abschreibung, amortizacion, amortissement",
    "field_set": "fieldset, field set, fieldset name, custom fieldset",
    "minimum_quantity": "min qty, min amount, min quantity, minimum qty, mindestmenge, mindestbestand",
    "is_requestable": "requestable, is requestable, anforderbar",
    "color": "color, colour, chart color, farbe, couleur",
    "parent": "parent, parent name, belongs to, part of",
}

OWN: dict[str, dict[str, str]] = {
    "assets": {
        "tag": "tag, asset tag, asset tag id, asset tag no, tag no, tag id, asset id, asset no, inventory no, inv no, "
        "inventory tag, inventory id, barcode, bar code, asset code, label no, inventar no, inventarno, "
        "inventarnummer, anlagen no, no d inventaire, no inventaire, no de inventario, no inventario, etiqueta, "
        "inventarisno, inventory",
        "serial_number": "serial no, serial, s n, sn, serialno, serial code, serial no s n, service tag, manufacturer "
        "serial no, device serial no, asset serial, asset serial no, imei, serien no, seriennummer, no de serie, no "
        "serie, n de serie, matricola, serienummer, serie no",
        "name": "name, asset name, item name, item, asset, title, description, asset description, item description, "
        "device name, device, equipment, equipment name, hostname, computer name, bezeichnung, gerat, gegenstand, "
        "nom, designation, libelle, nombre, descripcion, denominazione, nome, descrizione, naam, omschrijving, nazwa, "
        "benamning, navn",
        "product": "product, model, model name, asset model, product name, device model, model description, modell, "
        "produkt, modele, produit, modelo, producto, modello, prodotto, produto",
        "status": "status, asset status, status label, state, lifecycle, asset state, status name, zustand, etat, "
        "statut, estado, stato",
        "home_location": "default location, home location, rtd location, stammplatz, ubicacion habitual",
        "parent": "parent asset, container, parent tag, parent asset tag, inside of",
        "technician": "assigned technician, techniker, tecnico, technicien",
        "is_byod": "byod",
        "purchased_on": "purchased on, purchase date, bought, bought on, purchased, date purchased, date of purchase, "
        "acquisition date, date acquired, acquired, buy date, invoice date, kaufdatum, gekauft am, "
        "anschaffungsdatum, gekauft, date d achat, date achat, fecha de compra, data de compra, data di acquisto, "
        "data acquisto, aankoopdatum",
        "purchase_cost": "purchase cost, cost, price, purchase price, original cost, unit cost, unit price, amount, "
        "value, purchase value, acquisition cost, kaufpreis, preis, anschaffungswert, anschaffungskosten, kosten, "
        "prix, prix d achat, cout, precio, precio de compra, costo, preco, prezzo, prijs, aankoopprijs",
        "order_number": "order no, purchase order, purchase order no, po no, po, order, invoice no, invoice, order id, "
        "bestell no, bestellnummer, auftrags no, no de commande, commande, no de pedido, pedido, no ordine, ordine, "
        "bestelno",
        "warranty_months": "warranty months, warranty, warranty month, warranty period, warranty length, warranty in "
        "months, garantie monate, garantie, garantie mois, garantia meses, garantia, garanzia mesi",
        "warranty_expires_on": "warranty expires on, warranty expires, warranty until, warranty expiration, warranty "
        "expiration date, warranty expiry, warranty expiry date, warranty end, warranty end date, expiration date, "
        "garantie bis, garantieende, fin de garantie, fin de garantia, scadenza garanzia",
        "end_of_life_on": "end of life on, end of life, eol date, asset eol date, eol, end of life date, replace on, "
        "replacement date, lebensende, fin de vie, fin de vida",
        "last_audited_on": "last audit, last audit date",
        "next_audit_on": "next audit, next audit date",
        "notes": "notes, asset notes, note, comments, comment, remarks, remark, memo, details, additional information, "
        "notizen, bemerkung, bemerkungen, kommentar, remarques, commentaires, commentaire, notas, observaciones, "
        "comentarios, note asset, opmerkingen, uwagi, anteckningar",
        "checked_out_to": "checked out to, checked out to name, checked out to full name, checked out, assigned to, "
        "assigned to name, assigned user, assigned person, assignee, custodian, holder, held by, in use by, used by, "
        "responsible person, responsible, resp, person, employee, employee name, user, full name, owner, ausgegeben "
        "an, zugewiesen an, benutzer, nutzer, inhaber, verantwortlich, verantwortliche person, asignado a, "
        "usuario, responsable, utilisateur, affecte a, attribue a, assegnato a, toegewezen aan",
        "checked_out_to.first_name": "checked out to first name, assigned to first name, first name, vorname",
        "checked_out_to.last_name": "checked out to last name, assigned to last name, last name, surname, nachname",
        "checked_out_to.username": "checked out to username, checked out to user name, assigned to username, username, "
        "user name, login, benutzername",
        "checked_out_to.email": "checked out to email, checked out to e mail, assigned to email, assigned email, user "
        "email, person email, employee email, email, e mail, email address",
        "checked_out_to.employee_number": "checked out to employee no, assigned to employee no, employee no, employee "
        "id, personalnummer",
        "checked_out_to.location": "checked out to location, checked out to place, assigned location, assigned to "
        "location",
        "checked_out_to.asset": "checked out to asset tag, checked out to asset, checked out to tag, assigned to asset",
        "checked_out_to.type": "checkout type, check out type, checked out to type, assigned type, assigned to type",
        "checked_out_to.since": "checkout date, check out date, checked out on, checked out at, date checked out, "
        "assigned on, assigned date, date assigned, ausgegeben am",
        "checked_out_to.until": "expected checkin, expected checkin date, expected check in, expected check in date, "
        "expected return, expected return date, due date, due back, due on, return date, ruckgabe am",
        "checked_out_to.note": "checkout notes, checkout note, check out notes, assignment notes",
    },
    "persons": {
        "first_name": "first name, given name, forename, firstname, first, vorname, prenom, nombre, nome, voornaam",
        "last_name": "last name, surname, family name, lastname, last, nachname, familienname, nom de famille, "
        "apellido, apellidos, cognome, achternaam",
        "name": "full name, fullname, name, display name, person, person name, employee, employee name, user, "
        "anzeigename, vollstandiger name, nombre completo, nom complet, nome completo, mitarbeiter",
        "title": "job title, title, jobtitle, position, occupation, designation, function, stelle, funktion, "
        "berufsbezeichnung, puesto, cargo, fonction, poste",
        "employee_number": "employee no, employee id, employee num, staff no, staff id, personnel no, badge no, "
        "emp no, emp id, personalnummer, personal no, no de empleado, matricule",
        "username": "username, user name, login, login name, user id, account name, sam account name, benutzername, "
        "anmeldename, usuario, nombre de usuario, nom d utilisateur, utente",
        "is_technician": "technician, is technician, techniker, tecnico",
        "is_archived": "archived, is archived, inactive, former, archiviert, archivado",
    },
    "companies": {"name": "company, company name, name, organization, firma, firmenname, empresa, entreprise"},
    "departments": {
        "name": "department, department name, name, dept, abteilung, departamento, departement",
        "manager": "manager, manager name, head, head of department, leiter, leitung, abteilungsleiter, jefe",
    },
    "customers": {
        "name": "customer, customer name, name, full name, client, client name, kunde, kundenname, cliente",
        "default_sla_hours": "sla, sla hours, response time, response hours",
        "is_tax_exempt": "tax exempt, tax free, steuerfrei, exento de impuestos",
        "tax_exemption_reason": "tax exemption reason, exemption reason",
    },
    "locations": {
        "name": "location, location name, name, place, site, site name, room, building, standort, ort, raum, lugar, "
        "ubicacion, sitio, lieu, emplacement",
        "kind": "type, location type, kind, art, tipo, ebene",
        "parent": "parent, parent location, parent name, parent location name, site, site name, within, belongs to, "
        "ubergeordneter standort, gehort zu, ubicacion superior",
        "code": "code, location code, short code, short name, abbreviation, kurzel, kennung, codigo",
        "manager": "manager, manager name, location manager, contact, leiter, responsable, encargado",
        "is_active": "active, is active, aktiv, activo",
        "is_primary": "primary, main, main location, headquarters, hauptsitz, principal",
        "is_office": "office, is office",
    },
    "categories": {
        "name": "category, category name, name, kategorie, categoria, categorie",
        "kind": "type, category type, kind, art, tipo",
        "parent": "parent, parent category, main category, oberkategorie, categoria superior",
        "requires_acceptance": "require acceptance, requires acceptance, acceptance, acceptance required",
        "use_default_eula": "use default eula, default eula",
        "eula": "eula, eula text, terms, nutzungsbedingungen",
        "checkout_email": "checkout email, check out email, email user on checkout",
        "checkin_email": "checkin email, check in email, email user, send email to user on checkin checkout",
    },
    "manufacturers": {
        "name": "manufacturer, manufacturer name, name, brand, make, maker, hersteller, marke, fabricante, marca",
        "support_url": "support url, support site, support web",
        "support_phone": "support phone, support phone no",
        "support_email": "support email, support e mail",
        "warranty_lookup_url": "warranty lookup url, warranty url, warranty lookup",
    },
    "suppliers": {
        "name": "supplier, supplier name, vendor, vendor name, name, lieferant, proveedor, fournisseur, fornitore",
        "contact_name": "contact, contact name, contact person, ansprechpartner, contacto, persona de contacto",
    },
    "depreciations": {
        "name": "depreciation, depreciation name, name, class, abschreibung, amortizacion",
        "months": "months, term, no of months, duration, useful life, monate, meses, mois",
        "minimum_value": "minimum value, floor value, floor, salvage value, min value, restwert, valor residual",
    },
    "products": {
        "name": "model, model name, name, product, product name, asset model, asset model name, modell, produkt, "
        "modelo, producto, modele, produit, bezeichnung",
        "category": "category, category name, asset category, type, kategorie, categoria, categorie",
        "end_of_life_months": "eol, eol months, eol rate, end of life months, lifetime months",
        "end_of_life_on": "eol date, end of life date",
        "default_purchase_cost": "default purchase cost, usual price, list price, purchase cost, cost, price, preis, "
        "precio",
        "notes": "model notes, notes, note, description, comments, beschreibung, notizen, notas",
    },
    "statuses": {
        "name": "status, status label, status name, name, zustand, estado",
        "label_type": "type, status type, label type, typ, tipo",
        "show_in_nav": "show in nav, show in side nav",
    },
    "custom-fields": {
        "name": "name, field, field name, custom field, feld, campo",
        "resource": "applies to, resource, of",
        "kind": "kind, type, element, format, art, tipo",
        "options": "options, choices, field values, values, werte, valores",
        "is_required": "required, mandatory, pflichtfeld, obligatorio",
        "help": "help, help text, hint",
    },
    "field-sets": {
        "name": "fieldset, fieldset name, name, field set, feldsatz",
        "fields": "fields, custom fields, felder, campos",
    },
}

STANDS_IN = {"description": "name"}
"""What a heading of the first means in a file that has no column for the second."""

_BY_ITSELF = _l("Quartermaster works this out or sets it by itself.")
_PICTURES = _l("Pictures are not imported.")
_LATER = _l("Check-outs that are over are not imported.")
LeftOut = tuple[tuple[Any, tuple[str, ...]], ...]

LEFT_OUT_EVERYWHERE: LeftOut = (
    (
        _BY_ITSELF,
        (
            *("id", "version", "created", "created at", "created by", "date created", "updated at", "updated"),
            *("date updated", "changed", "deleted", "deleted at", "deleted date", "actions"),
        ),
    ),
    (_PICTURES, ("image", "images", "photo", "picture", "asset photo", "bild", "logo", "avatar", "gravatar")),
)
LEFT_OUT: dict[str, LeftOut] = {
    "assets": (
        (
            _LATER,
            (
                *(r"check(ed)? ?(out|in).*", "last check ?(out|in).*", "checkouts", "checkins", "lease.*"),
                *("assigned.*", "custod.*"),
            ),
        ),
        (
            _l("This belongs to the product, not to each asset."),
            ("model notes", "fieldset", "min qty", "eol rate", "eol months"),
        ),
        (
            _l("Audits and maintenance are not imported yet."),
            (".*audit.*", ".*maintenance.*", "last service.*", "next service.*"),
        ),
        (
            _BY_ITSELF,
            (".*book value", "current value", "age", "url", "requests", "diff", "fully depreciated"),
        ),
    ),
    "persons": (
        (
            _l("Signing in is not imported: invite people under Members."),
            (
                *("activated", "login enabled", "permissions", "groups", "password", "locale", "last login", "ldap.*"),
                *("two factor.*", "2fa.*"),
            ),
        ),
        (
            _l("People have no field for this; make one of your own to keep it."),
            ("website", "remote", "vip", "start date", "end date"),
        ),
        (
            _BY_ITSELF,
            ("assets", "licenses", "accessories", "consumables", "assets count", "total assets cost"),
        ),
    ),
}
for _kind in ("locations", "companies", "departments", "suppliers", "manufacturers", "categories", "products"):
    LEFT_OUT[_kind] = (
        (
            _BY_ITSELF,
            (
                *("assets", "assets count", "assigned assets", "rtd assets", "users", "users count", "people", "qty"),
                *("quantity", "licenses", "accessories", "consumables", "components", "children", "remaining", "total"),
            ),
        ),
    )
