"""Where Kestrel Field Research works: sites with their addresses, and what stands in them."""

from collections.abc import Iterator
from typing import NamedTuple


class Site(NamedTuple):
    """A site, or a customer's, with its address; coordinates in degrees."""

    name: str
    code: str
    address: str
    zip: str
    city: str
    state: str | None
    country: str
    currency: str
    latitude: str
    longitude: str
    phone: str
    company: str
    manager: str | None = None
    customer: str | None = None


class Room(NamedTuple):
    """A place below a site; `pool` names the kinds of things that are at home there."""

    path: str
    kind: str
    pool: str = ""


class Racks(NamedTuple):
    """Aisles with shelves, and on these so many bins; no aisles hang the shelves into the room itself."""

    path: str
    aisles: str
    shelves: str
    bins: int
    pool: str


SITES = (
    Site("Lisbon", "LIS", "Rua da Cintura do Porto 42", "1200-109", "Lisboa", "Lisboa", "PT", "EUR", "38.705840", "-9.157720", "+351 21 000 01 00", "Kestrel Field Research", "ines"),
    Site("Rotterdam", "RTM", "Waalhaven Oostzijde 77", "3087 BM", "Rotterdam", "Zuid-Holland", "NL", "EUR", "51.887930", "4.448210", "+31 10 000 02 00", "Kestrel Logistics B.V.", "leila"),
    Site("Kraków", "KRK", "ul. Zabłocie 23", "30-701", "Kraków", "Małopolskie", "PL", "PLN", "50.048890", "19.961120", "+48 12 000 03 00", "Kestrel Polska sp. z o.o.", "zeynep"),
    Site("Nairobi", "NBO", "Ngong Lane 14, Kilimani", "00505", "Nairobi", None, "KE", "KES", "-1.299610", "36.782640", "+254 20 000 04 00", "Kestrel East Africa Ltd", "wanjiru"),
    Site("Christchurch", "CHC", "31 Orchard Road, Harewood", "8051", "Christchurch", "Canterbury", "NZ", "NZD", "-43.487310", "172.541980", "+64 3 000 05 00", "Kestrel Aotearoa Ltd", "aroha"),
    Site("Tromsø", "TOS", "Stakkevollvegen 51", "9010", "Tromsø", "Troms", "NO", "NOK", "69.660250", "18.972770", "+47 77 00 06 00", "Kestrel Norge AS", "ailo"),
    Site("La Paz", "LPB", "Calle Rosendo Gutiérrez 482", "0201", "La Paz", "La Paz", "BO", "BOB", "-16.510430", "-68.127350", "+591 2 000 0700", "Kestrel Field Research", "rosmery"),
    Site("Keelung", "KEL", "中正區北寧路 2 號", "202", "基隆市", None, "TW", "TWD", "25.149710", "121.775440", "+886 2 0000 0800", "Kestrel Field Research", "xiuying"),
    Site("Kyiv", "KBP", "вул. Верхній Вал 18", "04071", "Київ", None, "UA", "UAH", "50.466120", "30.511840", "+380 44 000 09 00", "Kestrel Field Research", "nataliia"),
)  # fmt: skip
CUSTOMER_SITES = (
    Site("Ponta Delgada marina", "C-PDL", "Avenida Infante Dom Henrique 71", "9500-150", "Ponta Delgada", "Açores", "PT", "EUR", "37.738860", "-25.662410", "+351 296 000 010", "Kestrel Field Research", None, "Azores Deep Sea Trust"),
    Site("Tekapo ridge station", "C-TEK", "Lilybank Road", "7999", "Lake Tekapo", "Canterbury", "NZ", "NZD", "-43.985180", "170.464910", "+64 3 000 0511", "Kestrel Aotearoa Ltd", None, "Southern Glacier Watch"),
    Site("Naivasha pump house", "C-NVS", "Moi South Lake Road", "20117", "Naivasha", None, "KE", "KES", "-0.770420", "36.363210", "+254 20 000 0412", "Kestrel East Africa Ltd", None, "Rift Lakes Water Association"),
    Site("Ojców cave entrance", "C-OJC", "Ojców 15", "32-045", "Skała", "Małopolskie", "PL", "PLN", "50.208110", "19.829470", "+48 12 000 0313", "Kestrel Polska sp. z o.o.", None, "Fundacja Jaskinie Jury"),
)  # fmt: skip
CLOSED_SITE = Site("Porto (closed)", "OPO", "Rua de Miragaia 9", "4050-387", "Porto", "Porto", "PT", "EUR", "41.143480", "-8.619890", "+351 22 000 00 00", "Kestrel Field Research")  # fmt: skip

ROOMS = (
    Room("Lisbon / Reception", "location", "office"),
    Room("Lisbon / Floor 1", "location", "office computers"),
    Room("Lisbon / Floor 2", "location", "office computers"),
    Room("Lisbon / Floor 2 / Edit suite 1", "location", "edit"),
    Room("Lisbon / Floor 2 / Edit suite 2", "location", "edit"),
    Room("Lisbon / Floor 3", "location", "office computers"),
    Room("Lisbon / Media store", "location"),
    Room("Lisbon / IT store", "location"),
    Room("Lisbon / Optics lab", "location", "lab"),
    Room("Lisbon / Studio 1", "location", "studio"),
    Room("Lisbon / Studio 2", "location", "studio"),
    Room("Lisbon / Garage", "location", "vehicles"),
    Room("Lisbon / Server closet", "location", "network"),
    Room("Rotterdam / Warehouse", "location"),
    Room("Rotterdam / Warehouse / Hall 1", "location", "printers power"),
    Room("Rotterdam / Warehouse / Hall 2", "location", "power"),
    Room("Rotterdam / Server room", "location"),
    Room("Rotterdam / Office", "location", "office computers"),
    Room("Rotterdam / Yard", "location", "vehicles"),
    Room("Rotterdam / Loading dock", "location"),
    Room("Kraków / Office", "location", "office computers"),
    Room("Kraków / Workshop", "location", "workshop"),
    Room("Kraków / Survey store", "location"),
    Room("Kraków / Garage", "location", "vehicles"),
    Room("Nairobi / Office", "location", "office computers"),
    Room("Nairobi / Store A", "location"),
    Room("Nairobi / Field clinic", "location", "clinic"),
    Room("Nairobi / Field clinic / Cold room", "location", "clinic"),
    Room("Nairobi / Vehicle yard", "location", "vehicles"),
    Room("Christchurch / Field base", "location", "office computers network"),
    Room("Christchurch / Field store", "location"),
    Room("Christchurch / Drone hangar", "location", "drones"),
    Room("Christchurch / Vehicle shed", "location", "vehicles"),
    Room("Tromsø / Arctic lab", "location", "lab computers"),
    Room("Tromsø / Boathouse", "location", "boats power"),
    Room("Tromsø / Container 1", "location", "survey safety"),
    Room("Tromsø / Container 2", "location", "media power"),
    Room("La Paz / Highland office", "location", "office computers"),
    Room("La Paz / Instrument store", "location", "survey sensors safety"),
    Room("Keelung / Wet lab", "location", "sensors lab"),
    Room("Keelung / Dry store", "location", "media boats"),
    Room("Keelung / Office", "location", "computers network"),
    Room("Kyiv / Archive", "location", "computers printers"),
    Room("Kyiv / Field store", "location", "drones survey"),
)
RACKS = (
    Racks("Lisbon / Media store", "Aisle 1,Aisle 2", "Shelf 1,Shelf 2,Shelf 3,Shelf 4", 0, "media sound light"),
    Racks("Lisbon / Media store", "", "Shelf 3", 0, "media kits"),
    Racks("Lisbon / IT store", "", "Shelf A,Shelf B", 6, "spare"),
    Racks(
        "Rotterdam / Warehouse / Hall 1", "Aisle 4,Aisle 5", "Shelf A,Shelf B,Shelf C,Shelf D", 4, "tools spare light"
    ),
    Racks("Rotterdam / Server room", "", "Rack B3,Rack B4", 0, "servers network"),
    Racks("Kraków / Workshop", "", "Tool wall,Bench 1,Bench 2", 0, "tools workshop"),
    Racks("Kraków / Survey store", "", "Shelf 1,Shelf 2,Shelf 3", 0, "survey kits"),
    Racks("Nairobi / Store A", "", "Shelf 1,Shelf 2,Shelf 3,Shelf 4", 0, "tools safety spare sensors"),
    Racks("Christchurch / Field store", "", "Shelf 1,Shelf 2,Shelf 3", 0, "survey safety media kits"),
)


def rack_places(racks: Racks) -> Iterator[Room]:
    """Yield the aisles, shelves and bins of racks, what holds others first; things are at home in the innermost."""
    aisles = [f"{racks.path} / {aisle}" for aisle in racks.aisles.split(",") if aisle]
    for aisle in aisles:
        yield Room(aisle, "aisle")
    for holder in aisles or [racks.path]:
        for shelf in racks.shelves.split(","):
            yield Room(f"{holder} / {shelf}", "shelf", "" if racks.bins else racks.pool)
            for number in range(1, racks.bins + 1):
                yield Room(f"{holder} / {shelf} / Bin {number:02d}", "bin", racks.pool)


def all_rooms() -> list[Room]:
    """Return every place below the sites, what holds others first."""
    return [*ROOMS, *(room for racks in RACKS for room in rack_places(racks))]


def code_of(path: str) -> str:
    """Return a short name of a place: "Rotterdam / Warehouse / Hall 1 / Aisle 4 / Shelf B" is RTM-W-H1-A4-SB."""
    site, *below = path.split(" / ")
    codes = {site.name: site.code for site in SITES}
    words = [part.split() for part in below]
    short = ["".join(word if word.isdecimal() else word[0].upper() for word in part) for part in words]
    return "-".join((codes[site], *short))


def homes(pool: str) -> list[str]:
    """Return the paths of the places where a kind of things is at home."""
    return [room.path for room in all_rooms() if pool in room.pool.split()]
