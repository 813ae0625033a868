"""Whom Kestrel Field Research works for and buys from, all made up, and the lists that it sends them."""

from typing import NamedTuple


class Customer(NamedTuple):
    """Somebody whom work is done for."""

    name: str
    email: str
    phone: str
    address: str
    zip: str
    city: str
    country: str
    sla_hours: int | None
    exempt: str | None
    notes: str | None = None


class Supplier(NamedTuple):
    """Somebody whom things are bought from; `sells` names pools of products."""

    name: str
    contact: str
    email: str
    phone: str
    url: str
    address: str
    zip: str
    city: str
    country: str
    sells: str
    notes: str | None = None


CUSTOMERS = (
    Customer("Azores Deep Sea Trust", "ship@azoresdeep.example", "+351 296 000 010", "Rua do Mar 12", "9500-119", "Ponta Delgada", "PT", 48, "Registered charity", "Coral survey until the end of next year."),
    Customer("Southern Glacier Watch", "ops@glacierwatch.example", "+64 3 000 0511", "17 Main Drive", "7999", "Lake Tekapo", "NZ", 72, "Research institute"),
    Customer("Rift Lakes Water Association", "intake@riftlakes.example", "+254 20 000 0412", "Moi Avenue 3", "20117", "Naivasha", "KE", 24, None, "Pays by the quarter."),
    Customer("Fundacja Jaskinie Jury", "biuro@jaskiniejury.example", "+48 12 000 0313", "Rynek 4", "32-043", "Skała", "PL", 96, "Foundation"),
    Customer("Nordlys Kulturarv", "post@nordlyskulturarv.example", "+47 77 00 0614", "Storgata 88", "9008", "Tromsø", "NO", 48, None),
    Customer("Lumen & Vale Pictures", "production@lumenvale.example", "+44 20 7946 0315", "8 Cable Yard", "E1 8LG", "London", "GB", 12, None, "Rents crews with kit; insurance certificate on file."),
    Customer("Canal Horizonte", "tecnica@canalhorizonte.example", "+34 91 000 0016", "Calle de Toledo 140", "28005", "Madrid", "ES", 24, None),
    Customer("海洋之窗基金會", "contact@oceanwindow.example", "+886 2 0000 0817", "信義路 5 段 7 號", "110", "臺北市", "TW", 72, "Foundation"),
    Customer("Altiplano Agua Limpia", "proyectos@agualimpia.example", "+591 2 000 0718", "Avenida Arce 2100", "0201", "La Paz", "BO", None, "Cooperative"),
    Customer("Інститут річок", "lab@rivers.example", "+380 44 000 0919", "вул. Січових Стрільців 40", "04053", "Київ", "UA", 96, "Research institute"),
    Customer("Museum Noorderlicht", "collectie@noorderlicht.example", "+31 50 000 0020", "Turftorenstraat 11", "9712 BP", "Groningen", "NL", None, None),
)  # fmt: skip
SUPPLIERS = (
    Supplier("Objetiva Profissional Lda", "Marta Falcão", "vendas@objetiva.example", "+351 21 000 11 00", "https://objetiva.example", "Rua de Santa Justa 88", "1100-485", "Lisboa", "PT", "media kits studio", "Lends a body while ours is in repair."),
    Supplier("Tonwerk Hannover GmbH", "Jörg Behrens", "order@tonwerk.example", "+49 511 000 1200", "https://tonwerk.example", "Lister Damm 19", "30163", "Hannover", "DE", "sound light"),
    Supplier("Noordkade Systems B.V.", "Iris Hoekstra", "sales@noordkade.example", "+31 10 000 1300", "https://noordkade.example", "Noordkade 51", "3011 ZW", "Rotterdam", "NL", "computers spare edit servers network printers office", "Frame contract, 3 % within 14 days."),
    Supplier("Wisła Geodezja sp. z o.o.", "Bogumił Cichy", "zamowienia@wislageo.example", "+48 12 000 1400", "https://wislageo.example", "ul. Dietla 60", "31-039", "Kraków", "PL", "survey"),
    Supplier("Savannah Tools & Safety Ltd", "Grace Auma", "orders@savannahtools.example", "+254 20 000 1500", "https://savannahtools.example", "Lunga Lunga Road 7", "00500", "Nairobi", "KE", "tools safety power"),
    Supplier("Southern Cross Avionics Ltd", "Nikau Te Hira", "desk@scavionics.example", "+64 3 000 1600", "https://scavionics.example", "9 Syd Bradley Road", "8053", "Christchurch", "NZ", "drones"),
    Supplier("Fjordteknikk AS", "Sunniva Lien", "ordre@fjordteknikk.example", "+47 77 00 1700", "https://fjordteknikk.example", "Terminalgata 22", "9019", "Tromsø", "NO", "boats"),
    Supplier("MedCold East Africa Ltd", "Dr Hassan Omar", "supply@medcold.example", "+254 20 000 1800", "https://medcold.example", "Mombasa Road 120", "00200", "Nairobi", "KE", "clinic"),
    Supplier("Halden & Roe Scientific", "Fiona Roe", "quotes@haldenroe.example", "+44 20 7946 1900", "https://haldenroe.example", "3 Granta Park", "CB21 6GP", "Cambridge", "GB", "lab sensors workshop", "Also calibrates; ask for a slot two weeks ahead."),
    Supplier("Delfshaven Fleet B.V.", "Ruud Vermeer", "lease@delfshavenfleet.example", "+31 10 000 2000", "https://delfshavenfleet.example", "Schiedamseweg 200", "3025 AR", "Rotterdam", "NL", "vehicles"),
    Supplier("Formosa Marine Instruments Co.", "吳雅婷", "service@formosamarine.example", "+886 2 0000 2100", "https://formosamarine.example", "中山一路 30 號", "203", "基隆市", "TW", "sensors boats"),
    Supplier("Altiplano Instrumentos SRL", "Nelson Mamani", "ventas@altiplanoinst.example", "+591 2 000 2200", "https://altiplanoinst.example", "Calle Linares 901", "0201", "La Paz", "BO", "survey sensors safety"),
)  # fmt: skip
EXPORTS = (
    {"name": "Register for the insurer", "resource": "assets", "format": "xlsx", "query": "purchase_cost_after=1000&sort=-purchase_cost", "schedule": "monthly", "month_day": 1, "receivers": ["policies@meridiancover.example"]},
    {"name": "Places for the facility system", "resource": "locations", "format": "jsonl", "schedule": "weekly", "weekday": "monday"},
)  # fmt: skip
