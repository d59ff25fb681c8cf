"""Conversations of the demo: who asks about which notice, how many days ago, and what they say in turn."""

TALKS: tuple[tuple[str, str, float, tuple[str, ...]], ...] = (
    (
        "sam",
        "Bakfiets voor drie kinderen",
        2,
        (
            "Hoi Fenna, is de bakfiets zaterdag vrij? Ik verhuis een plantenkast.",
            "Zaterdag kan, tot een uur of vier. Past er met gemak in!",
            "Top, dan sta ik om tien uur voor de deur.",
        ),
    ),
    (
        "fenna",
        "Bosch hammer drill with all the bits",
        4,
        ("Would it survive a concrete ceiling from 1932?", "It has, twice. Bring ear protection."),
    ),
    (
        "jin",
        "Kitchen of the community centre",
        1.5,
        (
            "Can we rent it on a Wednesday morning for twelve people?",
            "Yes. Which Wednesday? The ovens need a day's notice.",
        ),
    ),
    ("aisha", "Zaden ruilen", 1, ("Heb je ook basilicum? Ik heb koriander te veel.",)),
)
