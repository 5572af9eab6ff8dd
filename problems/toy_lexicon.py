"""The words of the toy corpus in three languages, and how they inflect.

The tables are text, one word a line, so that a speaker of any of the three
languages can proofread a column. Only what a rule cannot give is written down.
The rules hold for these words and no further: every French h is mute here, and
every German masculine with a plural in -n is a weak noun.
"""

import re
from typing import Literal, NamedTuple

Case = Literal["nominative", "accusative", "dative"]

CASES: tuple[Case, ...] = ("nominative", "accusative", "dative")

# Kind, English, plural, German gender, noun, plural, French gender, noun.
_NOUNS = """
    person man       men        m Mann      Männer     m homme
    person woman     women      f Frau      Frauen     f femme
    person boy       boys       m Junge     Jungen     m garçon
    person girl      girls      n Mädchen   Mädchen    f fille
    person child     children   n Kind      Kinder     m enfant
    person teacher   teachers   m Lehrer    Lehrer     m professeur
    person friend    friends    m Freund    Freunde    m ami
    person king      kings      m König     Könige     m roi
    person queen     queens     f Königin   Königinnen f reine
    person doctor    doctors    m Arzt      Ärzte      m médecin
    person aunt      aunts      f Tante     Tanten     f tante
    person uncle     uncles     m Onkel     Onkel      m oncle
    person neighbour neighbours m Nachbar   Nachbarn   m voisin
    animal dog       dogs       m Hund      Hunde      m chien
    animal cat       cats       f Katze     Katzen     m chat
    animal horse     horses     n Pferd     Pferde     m cheval
    animal bird      birds      m Vogel     Vögel      m oiseau
    animal mouse     mice       f Maus      Mäuse      f souris
    animal cow       cows       f Kuh       Kühe       f vache
    animal elephant  elephants  m Elefant   Elefanten  m éléphant
    thing  book      books      n Buch      Bücher     m livre
    thing  letter    letters    m Brief     Briefe     f lettre
    thing  hat       hats       m Hut       Hüte       m chapeau
    thing  clock     clocks     f Uhr       Uhren      f horloge
    thing  picture   pictures   n Bild      Bilder     f image
    thing  table     tables     m Tisch     Tische     f table
    thing  chair     chairs     m Stuhl     Stühle     f chaise
    thing  key       keys       m Schlüssel Schlüssel  f clé
    thing  bag       bags       f Tasche    Taschen    m sac
    thing  flower    flowers    f Blume     Blumen     f fleur
    thing  computer  computers  m Computer  Computer   m ordinateur
    thing  shirt     shirts     n Hemd      Hemden     f chemise
    food   apple     apples     m Apfel     Äpfel      f pomme
    food   egg       eggs       n Ei        Eier       m œuf
    food   cake      cakes      m Kuchen    Kuchen     m gâteau
    food   orange    oranges    f Orange    Orangen    f orange
    food   tomato    tomatoes   f Tomate    Tomaten    f tomate
    food   onion     onions     f Zwiebel   Zwiebeln   m oignon
    food   pear      pears      f Birne     Birnen     f poire
    """

# English, German, French masculine, feminine, its place, kinds of noun.
_ADJECTIVES = """
    old       alt        vieux       vieille      before person,animal,thing
    small     klein      petit       petite       before any
    big       groß       grand       grande       before animal,thing,food
    young     jung       jeune       jeune        before person,animal
    beautiful schön      beau        belle        before person,animal,thing
    new       neu        nouveau     nouvelle     before thing
    good      gut        bon         bonne        before person,thing,food
    happy     glücklich  heureux     heureuse     after  person
    sad       traurig    triste      triste       after  person
    hungry    hungrig    affamé      affamée      after  person,animal
    famous    berühmt    célèbre     célèbre      after  person
    rich      reich      riche       riche        after  person
    strong    stark      fort        forte        after  person,animal
    clever    klug       intelligent intelligente after  person,animal
    sick      krank      malade      malade       after  person,animal
    lazy      faul       paresseux   paresseuse   after  person,animal
    dangerous gefährlich dangereux   dangereuse   after  animal
    white     weiß       blanc       blanche      after  animal,thing
    black     schwarz    noir        noire        after  animal,thing
    red       rot        rouge       rouge        after  thing,food
    green     grün       vert        verte        after  thing,food
    heavy     schwer     lourd       lourde       after  thing
    fresh     frisch     frais       fraîche      after  food
    """

# English, past, German infinitive, he, participle, French I, we, participle,
# kinds of noun as object, or "-". No English past may equal its present, or
# English would not determine the tense. "Beings" are people and animals.
_VERBS_OF_BEINGS = """
    sleep slept schlafen schläft geschlafen dors dormons dormi -
    play played spielen spielt gespielt joue jouons joué -
    jump jumped springen springt gesprungen saute sautons sauté -
    run ran laufen läuft gelaufen cours courons couru -
    wait waited warten wartet gewartet attends attendons attendu -
    watch watched beobachten beobachtet beobachtet regarde regardons regardé any
    hear heard hören hört gehört entends entendons entendu person,animal
    find found finden findet gefunden trouve trouvons trouvé any
    eat ate essen isst gegessen mange mangeons mangé food
    """
_VERBS_OF_PEOPLE = """
    work worked arbeiten arbeitet gearbeitet travaille travaillons travaillé -
    laugh laughed lachen lacht gelacht ris rions ri -
    sing sang singen singt gesungen chante chantons chanté -
    dance danced tanzen tanzt getanzt danse dansons dansé -
    cry cried weinen weint geweint pleure pleurons pleuré -
    buy bought kaufen kauft gekauft achète achetons acheté thing,food,animal
    sell sold verkaufen verkauft verkauft vends vendons vendu thing,food
    choose chose wählen wählt gewählt choisis choisissons choisi thing,food
    draw drew zeichnen zeichnet gezeichnet dessine dessinons dessiné any
    carry carried tragen trägt getragen porte portons porté thing,food
    wash washed waschen wäscht gewaschen lave lavons lavé animal
    forget forgot vergessen vergisst vergessen oublie oublions oublié thing,food
    lose lost verlieren verliert verloren perds perdons perdu thing
    hide hid verstecken versteckt versteckt cache cachons caché thing,food
    greet greeted grüßen grüßt gegrüßt salue saluons salué person
    meet met treffen trifft getroffen rencontre rencontrons rencontré person
    call called rufen ruft gerufen appelle appelons appelé person,animal
    """
_VERBS_OF_REPORT = """
    say said sagen sagt gesagt dis disons dit -
    think thought denken denkt gedacht pense pensons pensé -
    hope hoped hoffen hofft gehofft espère espérons espéré -
    """
GERMAN_WITH_SEIN = ("jump", "run")

# English | German | French.
_PRESENT_TIMES = """
    today | heute | aujourd'hui
    in the morning | am Morgen | le matin
    in the evening | am Abend | le soir
    in summer | im Sommer | en été
    in winter | im Winter | en hiver
    """
_PAST_TIMES = """
    yesterday | gestern | hier
    last week | letzte Woche | la semaine dernière
    last year | letztes Jahr | l'année dernière
    on Monday | am Montag | lundi
    on Sunday | am Sonntag | dimanche
    """
_PLACES = """
    in the garden | im Garten | dans le jardin
    in the house | im Haus | dans la maison
    in the kitchen | in der Küche | dans la cuisine
    in the park | im Park | dans le parc
    in the forest | im Wald | dans la forêt
    in the village | im Dorf | dans le village
    in the hotel | im Hotel | dans l'hôtel
    in the city | in der Stadt | en ville
    at school | in der Schule | à l'école
    on the beach | am Strand | sur la plage
    """

_MEN = """
    Adam Albert Anton Boris David Emil Felipe Georg Igor Jakob Kevin Konrad
    Leo Martin Milan Nico Oskar Otto Paul Peter Robert Robin Samuel Simon
    Stefan Tom Viktor Walter
    """
_WOMEN = """
    Alina Amanda Anna Barbara Carla Clara Diana Elena Emma Eva Frida Greta
    Ida Irina Julia Katja Laura Lena Linda Maria Martina Mira Nadia Nora
    Olga Paula Rosa Sandra Sofia Vera
    """

# Endings by case for masculine, feminine, neuter and plural.
_GERMAN_ENDINGS = {
    "nominative": ("er", "e", "es", "e"),
    "accusative": ("en", "e", "es", "e"),
    "dative": ("em", "er", "em", "en"),
}
_GERMAN_ARTICLES = dict(er="der", e="die", es="das", en="den", em="dem")
_FRENCH_VOWEL = "(?=[aeiouhéèœAEIO])"
_FRENCH_BEFORE_VOWEL = {
    "ma": "mon",
    "ce": "cet",
    "beau": "bel",
    "nouveau": "nouvel",
    # "Les vieux amis" and "24 vieux amis" are plural and stay.
    r"(?<![s\d] )vieux": "vieil",
}


class Triple(NamedTuple):
    """The same words in three languages."""

    english: str
    german: str
    french: str


def _french_plural(form: str) -> str:
    if form.endswith("al"):
        return form[:-1] + "ux"
    ending = "x" if form.endswith("eau") else "s"
    return form if form[-1] in "sx" else form + ending


class Noun(NamedTuple):
    """A noun; its kind says which verbs and adjectives go with it."""

    kind: str
    english: str
    english_plural: str
    german_gender: str
    german: str
    german_plural: str
    french_gender: str
    french: str

    def german_form(self, case: Case, plural: bool) -> str:
        """Declines the German noun."""
        if plural:
            takes_n = case == "dative" and self.german_plural[-1] not in "ns"
            return self.german_plural + ("n" if takes_n else "")
        weak = self.german_gender == "m" and self.german_plural[-1] == "n"
        oblique = weak and case != "nominative"
        return self.german_plural if oblique else self.german

    def french_form(self, plural: bool) -> str:
        """Inflects the French noun: chats, gâteaux, chevaux, souris."""
        return _french_plural(self.french) if plural else self.french


class Adjective(NamedTuple):
    """An adjective and the kinds of noun it goes with."""

    english: str
    german: str
    french: str
    french_feminine: str
    french_place: str  # "before" or "after" its noun
    kinds: str

    def french_form(self, gender: str, plural: bool) -> str:
        """Agrees the French adjective with a noun."""
        form = self.french_feminine if gender == "f" else self.french
        return _french_plural(form) if plural else form


class Verb(NamedTuple):
    """A verb with the forms no rule gives, and what it goes with."""

    subjects: str
    english: str
    english_past: str
    german: str
    german_third: str
    german_participle: str
    french_first: str
    french_first_plural: str
    french_participle: str
    objects: str

    @property
    def english_third(self) -> str:
        """The form after he, she or it: works, washes, goes, cries."""
        if re.search(r"[^aeiou]y$", self.english):
            return self.english[:-1] + "ies"
        hisses = re.search(r"(ch|sh|[sxzo])$", self.english)
        return self.english + ("es" if hisses else "s")

    @property
    def german_present(self) -> tuple[str, ...]:
        """The forms for I, he, we and they."""
        return self.german[:-1], self.german_third, self.german, self.german

    @property
    def french_present(self) -> tuple[str, ...]:
        """The forms for I, he, we and they: dors, dort, dormons, dorment."""
        first, plural = self.french_first, self.french_first_plural
        if first.endswith("e"):
            return first, first, plural, first + "nt"
        third = first[:-1] if first.endswith("ds") else first[:-1] + "t"
        return first, third, plural, plural.removesuffix("ons") + "ent"


def german_phrase(
    determiner: str, stem: str, noun: Noun, case: Case, plural: bool
) -> str:
    """Declines a German determiner, adjective and noun together.

    Args:
      determiner: "der", the stem of another (dies, ein, mein), or a number.
      stem: the adjective's, strong after a determiner without ending; or "".
      noun: of whose gender they are.
      case: the case they stand in.
      plural: whether they are plural.
    """
    column = 3 if plural else "mfn".index(noun.german_gender)
    strong = _GERMAN_ENDINGS[case][column]
    declined = noun.german_form(case, plural)
    # ein Hund and ein Buch, but einen Hund, eine Katze, keine Katzen
    ein_bare = strong in ("er", "es") and (case, column) != ("dative", 1)
    bare = determiner.isdigit() or (determiner.endswith("ein") and ein_bare)
    opening = determiner if bare else determiner + strong
    if determiner == "der":
        opening = _GERMAN_ARTICLES[strong]
    if not stem:
        return f"{opening} {declined}"
    # Strong "en" singles out the masculine accusative.
    oblique = plural or case == "dative" or strong == "en"
    ending = strong if bare else "en" if oblique else "e"
    return f"{opening} {stem}{ending} {declined}"


def french_sandhi(text: str) -> str:
    """Applies what French does before a vowel.

    "si il ne aime pas ce vieux ami" becomes "s'il n'aime pas ce vieil ami".
    """
    for alone, before_vowel in _FRENCH_BEFORE_VOWEL.items():
        pattern = rf"\b{alone} {_FRENCH_VOWEL}"
        text = re.sub(pattern, f"{before_vowel} ", text)
    text = re.sub(r"\bsi (?=ils?\b)", "s'", text)
    return re.sub(rf"\b(l|j|n|d|qu)[ae] {_FRENCH_VOWEL}", r"\1'", text)


def _phrases(table: str) -> list[Triple]:
    lines = table.strip().splitlines()
    return [Triple(*map(str.strip, line.split("|"))) for line in lines]


def _rows(table: str) -> list[list[str]]:
    spelt_out = re.sub(" any$", " person,animal,thing,food", table, flags=re.M)
    return [line.split() for line in spelt_out.strip().splitlines()]


NOUNS = [Noun(*row) for row in _rows(_NOUNS)]
ADJECTIVES = [Adjective(*row) for row in _rows(_ADJECTIVES)]
_BEINGS = [Verb("person,animal", *row) for row in _rows(_VERBS_OF_BEINGS)]
_PEOPLE = [Verb("person", *row) for row in _rows(_VERBS_OF_PEOPLE)]
ACTIONS = _BEINGS + _PEOPLE
REPORTING = [Verb("person", *row) for row in _rows(_VERBS_OF_REPORT)]
PRESENT_TIMES = _phrases(_PRESENT_TIMES)
PAST_TIMES = _phrases(_PAST_TIMES)
PLACES = _phrases(_PLACES)
MEN, WOMEN = _MEN.split(), _WOMEN.split()
