"""The people of the demo neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "neighbourhood"  # noqa: S105 - printed on the screen; the demo has nothing to protect
DOMAIN = "example.org"


@dataclass(frozen=True, slots=True)
class Person:
    """One member: key and first part of the address, name, place, what they say, language, days since they joined, card."""

    key: str
    name: str
    place: str
    about: str
    locale: str
    days: int
    card: str = "4242424242424242"


OPERATOR = Person("olga", "Olga van Dijk", "Amsterdam", "I keep this place running.", "en", 700)

PEOPLE = (
    Person("fenna", "Fenna de Boer", "Jordaan", "Bakfiets, tent en een te volle schuur. Leen gerust!", "nl", 640),
    Person("ruben", "Ruben Bakker", "De Pijp", "Klusser. Ik leg graag uit hoe een machine werkt.", "nl", 610),
    Person("sanne", "Sanne Visser", "Oost", "Moeder van drie, kampeert elk voorjaar.", "nl", 590),
    Person("amira", "Amira Haddad", "West", "I sew, repair and teach both on Tuesday evenings.", "en", 560),
    Person("joris", "Joris Mulder", "Noord", "Film in de achtertuin, als het droog blijft.", "nl", 530),
    Person("lotte", "Lotte Jansen", "Centrum", "Reads too much and lends it all.", "en", 500),
    Person("daan", "Daan Smit", "Zuid", "Zonnepanelen, fietsen en soep.", "nl", 480),
    Person("maud", "Maud Peters", "IJburg", "Tuiniert op een balkon en in het park.", "nl", 450),
    Person("kofi", "Kofi Mensah", "Zuidoost", "Cooks for sixteen, always.", "en", 420),
    Person("eline", "Eline Vos", "Watergraafsmeer", "Lerares. Onze buurt kan veel meer samen.", "nl", 400),
    Person("tom", "Tom Hendriks", "Bos en Lommer", "Houtbewerker met een werkplaats om te delen.", "nl", 380),
    Person("yara", "Yara El Amrani", "Slotervaart", "Organiseert het straatfeest.", "nl", 350),
    Person("peter", "Peter O'Neill", "Jordaan", "Plays the cello badly and the guitar well.", "en", 330),
    Person("noor", "Noor Willems", "Oost", "Verpleegkundige, loopt hard, bakt brood.", "nl", 300),
    Person("sam", "Sam Koning", "De Pijp", "Student. Heeft weinig, leent veel.", "nl", 250, "4000002500003155"),
    Person("ines", "Inês Carvalho", "West", "Architect who would rather build sheds.", "en", 220),
    Person("bas", "Bas Dekker", "Noord", "Bouwt aan een boot. Al zes jaar.", "nl", 200),
    Person("mila", "Mila Novak", "Centrum", "Photographer of other people's gardens.", "en", 170),
    Person("hugo", "Hugo Prins", "Zuid", "Gepensioneerd, en eindelijk tijd.", "nl", 140),
    Person("aisha", "Aisha Yusuf", "Zuidoost", "Nieuw hier en benieuwd naar iedereen.", "nl", 90),
    Person("willem", "Willem de Groot", "IJburg", "Zeilt, repareert, vertelt.", "nl", 60, "4000000000000341"),
    Person("jin", "Jin Park", "Watergraafsmeer", "Game designer, board game collector.", "en", 40),
    Person("carla", "Carla Meijer", "Bos en Lommer", "Heeft drie katten en een aanhanger.", "nl", 25),
)
