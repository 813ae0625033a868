"""Who works for Kestrel Field Research: companies, departments, people and those of them who sign in."""

from typing import NamedTuple


class Company(NamedTuple):
    """A company of the group."""

    name: str
    phone: str
    email: str
    notes: str


class Department(NamedTuple):
    """A department; its manager is named by the first part of an address."""

    name: str
    company: str
    place: str
    manager: str


class Employee(NamedTuple):
    """Somebody; `login` is the first part of the address, `hired` and `left` are days before today."""

    login: str
    first: str
    last: str
    title: str
    department: str
    place: str
    manager: str | None
    technician: bool = False
    hired: int | None = None
    left: int | None = None


class Member(NamedTuple):
    """Somebody who signs in."""

    login: str
    role: str
    only_at: str | None = None


DOMAIN = "kestrel.example"
COMPANIES = (
    Company("Kestrel Field Research", "+351 21 000 01 00", "hello@kestrel.example", "The foundation in Lisbon."),
    Company("Kestrel Logistics B.V.", "+31 10 000 02 00", "logistics@kestrel.example", "Warehouse and fleet."),
    Company("Kestrel Polska sp. z o.o.", "+48 12 000 03 00", "krakow@kestrel.example", "Workshop and survey."),
    Company("Kestrel East Africa Ltd", "+254 20 000 04 00", "nairobi@kestrel.example", "Field clinic and water work."),
    Company("Kestrel Aotearoa Ltd", "+64 3 000 05 00", "christchurch@kestrel.example", "Glaciers, drones, Antarctica."),
    Company("Kestrel Norge AS", "+47 77 00 06 00", "tromso@kestrel.example", "Boats and the Arctic lab."),
)
DEPARTMENTS = (
    Department("Film unit", "Kestrel Field Research", "Lisbon / Floor 2", "amara"),
    Department("Sound & light", "Kestrel Field Research", "Lisbon / Studio 1", "jose-maria"),
    Department("Optics lab", "Kestrel Field Research", "Lisbon / Optics lab", "priya"),
    Department("Data science", "Kestrel Field Research", "Lisbon / Floor 2", "lan"),
    Department("Information technology", "Kestrel Field Research", "Rotterdam / Server room", "bjorn"),
    Department("Finance & people", "Kestrel Field Research", "Lisbon / Floor 3", "eleni"),
    Department("Logistics", "Kestrel Logistics B.V.", "Rotterdam / Office", "leila"),
    Department("Workshop", "Kestrel Polska sp. z o.o.", "Kraków / Workshop", "zeynep"),
    Department("Survey & mapping", "Kestrel Polska sp. z o.o.", "Kraków / Office", "mateusz"),
    Department("Field medicine", "Kestrel East Africa Ltd", "Nairobi / Field clinic", "sofia"),
    Department("Water & soil", "Kestrel East Africa Ltd", "Nairobi / Office", "wanjiru"),
    Department("Drones", "Kestrel Aotearoa Ltd", "Christchurch / Drone hangar", "tane"),
    Department("Ocean lab", "Kestrel Field Research", "Keelung / Wet lab", "xiuying"),
    Department("Polar operations", "Kestrel Norge AS", "Tromsø / Arctic lab", "ailo"),
)
PEOPLE = (
    Employee("ines", "Inês", "Carvalho", "Head of equipment", "Logistics", "Lisbon / Floor 3", None),
    Employee("leila", "Leila", "Haddad", "Head of logistics", "Logistics", "Rotterdam / Office", "ines"),
    Employee("bjorn", "Björn", "Håkansson", "Head of IT", "Information technology", "Rotterdam / Server room", "ines", True),
    Employee("eleni", "Ελένη", "Παπαδοπούλου", "Finance director", "Finance & people", "Lisbon / Floor 3", "ines"),
    Employee("amara", "Amara", "Okafor", "Camera operator", "Film unit", "Lisbon / Floor 2", "ines"),
    Employee("jose-maria", "José-María", "Etxeberria", "Sound recordist", "Sound & light", "Lisbon / Studio 1", "amara"),
    Employee("joao", "João Pedro", "Siqueira", "Stock keeper", "Film unit", "Lisbon / Media store", "amara", True),
    Employee("yuki", "由紀", "佐藤", "Camera operator", "Film unit", "Lisbon / Studio 2", "amara"),
    Employee("kwame", "Kwame", "Boateng", "Camera assistant", "Film unit", "Lisbon / Studio 2", "amara", hired=212),
    Employee("saoirse", "Saoirse", "Ní Bhriain", "Film editor", "Film unit", "Lisbon / Floor 2 / Edit suite 1", "amara"),
    Employee("farid", "فرید", "رستمی", "Colourist", "Film unit", "Lisbon / Floor 2 / Edit suite 2", "amara"),
    Employee("giulia", "Giulia", "D’Angelo", "Gaffer", "Sound & light", "Lisbon / Studio 1", "jose-maria"),
    Employee("tomas", "Tomáš", "Dvořák", "Sound assistant", "Sound & light", "Lisbon / Studio 1", "jose-maria", left=74),
    Employee("priya", "Priya", "Raghunathan", "Optics engineer", "Optics lab", "Lisbon / Optics lab", "ines"),
    Employee("anselm", "Anselm", "von der Heydt", "Laboratory technician", "Optics lab", "Lisbon / Optics lab", "priya", True),
    Employee("lan", "Nguyễn Thị", "Lan", "Lead data scientist", "Data science", "Lisbon / Floor 2", "ines"),
    Employee("arjun", "Arjun", "Venkataraman", "Data engineer", "Data science", "Lisbon / Floor 2", "lan"),
    Employee("temitope", "Temitope", "Adeyinka", "Data steward", "Data science", "Lisbon / Floor 2", "lan"),
    Employee("min-jun", "Min-jun", "Park", "Internal auditor", "Finance & people", "Lisbon / Floor 3", "eleni"),
    Employee("beatriz", "Beatriz", "Conceição", "Accountant", "Finance & people", "Lisbon / Floor 3", "eleni"),
    Employee("maarten", "Maarten", "van ’t Hoff", "Systems engineer", "Information technology", "Rotterdam / Server room", "bjorn", True),
    Employee("roksana", "Roksana", "Begum", "Service desk", "Information technology", "Lisbon / IT store", "bjorn", True),
    Employee("emre", "Emre", "Yılmaz", "Network engineer", "Information technology", "Rotterdam / Server room", "bjorn", True, hired=148),
    Employee("sander", "Sander", "de Wit", "Warehouse clerk", "Logistics", "Rotterdam / Warehouse", "leila", True),
    Employee("fatou", "Fatou", "Diallo", "Fleet coordinator", "Logistics", "Rotterdam / Yard", "leila"),
    Employee("zeynep", "Zeynep", "Aydın", "Workshop lead", "Workshop", "Kraków / Workshop", "leila", True),
    Employee("kacper", "Kacper", "Żurawski", "Instrument mechanic", "Workshop", "Kraków / Workshop", "zeynep", True),
    Employee("agnieszka", "Agnieszka", "Łuczak", "Calibration technician", "Workshop", "Kraków / Workshop", "zeynep", True, hired=301),
    Employee("mateusz", "Mateusz", "Wójcik", "Lead surveyor", "Survey & mapping", "Kraków / Office", "ines"),
    Employee("oksana", "Оксана", "Ткачук", "Cave surveyor", "Survey & mapping", "Kraków / Office", "mateusz"),
    Employee("nataliia", "Наталія", "Ковальчук", "Station lead, Kyiv", "Survey & mapping", "Kyiv / Archive", "mateusz"),
    Employee("levan", "ლევან", "ბერიძე", "Cartographer", "Survey & mapping", "Kyiv / Archive", "nataliia", hired=95),
    Employee("wanjiru", "Wanjirũ", "Kamau", "Station lead, Nairobi", "Water & soil", "Nairobi / Office", "ines"),
    Employee("chidi", "Chidi", "Nwosu", "Field technician", "Water & soil", "Nairobi / Store A", "wanjiru", True),
    Employee("oluwaseun", "Oluwaseun", "Adeyemi", "Field technician", "Water & soil", "Nairobi / Store A", "wanjiru", True, hired=38),
    Employee("sofia", "Sofía", "Quispe Mamani", "Field nurse", "Field medicine", "Nairobi / Field clinic", "wanjiru"),
    Employee("abebe", "አበበ", "ተስፋዬ", "Field physician", "Field medicine", "Nairobi / Field clinic", "wanjiru"),
    Employee("aroha", "Aroha", "Ngata", "Station lead, Christchurch", "Drones", "Christchurch / Field base", "ines"),
    Employee("tane", "Tāne", "Parata", "Drone pilot", "Drones", "Christchurch / Drone hangar", "aroha"),
    Employee("siobhan", "Siobhán", "O’Sullivan", "Glaciologist", "Drones", "Christchurch / Field base", "aroha"),
    Employee("lagi", "Lagi", "Tuilagi", "Drone technician", "Drones", "Christchurch / Drone hangar", "aroha", True),
    Employee("ailo", "Áilu", "Sárá", "Station lead, Tromsø", "Polar operations", "Tromsø / Arctic lab", "ines"),
    Employee("ingrid", "Ingrid", "Bjørnstad", "Boat engineer", "Polar operations", "Tromsø / Boathouse", "ailo", True),
    Employee("gudrun", "Guðrún", "Þorvaldsdóttir", "Sea-ice researcher", "Polar operations", "Tromsø / Arctic lab", "ailo", left=19),
    Employee("rosmery", "Rosmery", "Choque Condori", "Station lead, La Paz", "Water & soil", "La Paz / Highland office", "ines"),
    Employee("wilmer", "Wilmer", "Ticona", "Instrument technician", "Water & soil", "La Paz / Instrument store", "rosmery", True),
    Employee("xiuying", "秀英", "李", "Station lead, Keelung", "Ocean lab", "Keelung / Wet lab", "ines"),
    Employee("chia-hao", "家豪", "林", "Marine technician", "Ocean lab", "Keelung / Dry store", "xiuying", True),
    Employee("seo-yeon", "서연", "김", "Oceanographer", "Ocean lab", "Keelung / Wet lab", "xiuying"),
    Employee("noa", "נועה", "לוי", "Volunteer coordinator", "Finance & people", "Lisbon / Reception", "eleni", left=160),
)  # fmt: skip
MEMBERS = (
    Member("bjorn", "admin"),
    Member("leila", "manager"),
    Member("mateusz", "manager"),
    Member("wanjiru", "manager", "Nairobi"),
    Member("aroha", "manager", "Christchurch"),
    Member("joao", "technician"),
    Member("zeynep", "technician"),
    Member("chidi", "technician"),
    Member("min-jun", "auditor"),
    Member("amara", "member"),
)
INVITED = (("oluwaseun", "technician"), ("saoirse", "member"))
# Families and given names from which a larger demo makes its further people.
NAME_POOLS = (
    (("Adaeze", "Emeka", "Ngozi", "Obinna"), ("Eze", "Okonkwo", "Balogun", "Achebe")),
    (("Ana", "Rui", "Catarina", "Tiago"), ("Ferreira", "Magalhães", "Simões", "Araújo")),
    (("Kasia", "Paweł", "Małgorzata", "Łukasz"), ("Kowalczyk", "Wiśniewska", "Jabłoński", "Gołąb")),
    (("Hemi", "Mere", "Wiremu", "Ngaire"), ("Tūhoe", "Rangi", "Paewai", "Hōhepa")),
    (("Wairimu", "Otieno", "Achieng", "Kiprono"), ("Mwangi", "Odhiambo", "Cheruiyot", "Njoroge")),
    (("美玲", "志明", "淑芬", "俊傑"), ("陳", "王", "張", "黃")),
    (("Олена", "Тарас", "Ірина", "Богдан"), ("Шевченко", "Мельник", "Гнатюк", "Кравчук")),
    (("Ingvild", "Sverre", "Solveig", "Håkon"), ("Østby", "Skjæveland", "Ånestad", "Bø")),
    (("Yolanda", "Efraín", "Maribel", "Juan Carlos"), ("Huanca", "Apaza", "Flores Mayta", "Ñahui")),
    (("मीरा", "रोहन", "अनन्या", "विक्रम"), ("शर्मा", "पाटिल", "देशमुख", "नायर")),
    (("ليلى", "يوسف", "مريم", "سامي"), ("الحسن", "منصور", "الخطيب", "بن عمر")),
    (("Trần", "Phạm", "Lê", "Võ"), ("Thu Hà", "Minh Đức", "Ngọc Ánh", "Quốc Bảo")),
)
