"""Who is talked about: brands, their hashtags, and when one of them runs a campaign."""

from datetime import datetime, timedelta

import msgspec

from simnet.interests import GROUPS


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """One brand: its hashtag, its own accounts (one a network, under `handle`), how much it is
    talked about.
    """

    tag: str  # without '#', lower case
    name: str = ""  # as people write it; "" capitalises the tag
    handle: str = ""  # "" takes the tag
    posts_per_day: float = 100.0  # over all networks, in the mean of a week, without campaign
    followers: int = 2_000_000  # of its largest account
    campaign: tuple[datetime, datetime] | None = None  # [start, end); the world's lift holds inside
    interest: str = ""  # the group whose people its accounts' followers are; "" takes one in turn

    def __post_init__(self) -> None:
        """Refuse a brand that cannot be: no tag, no rate, a campaign that ends before it starts."""
        if not self.tag.isidentifier() or self.tag != self.tag.casefold():
            raise ValueError(f"tag: {self.tag!r} must be letters, digits and _ in lower case")
        if self.interest and self.interest not in GROUPS:
            raise ValueError(f"interest: {self.interest!r} must be one of {', '.join(GROUPS)}")
        if self.posts_per_day < 0:
            raise ValueError(f"posts_per_day: {self.posts_per_day} must be 0 or more")
        if self.campaign and self.campaign[0] >= self.campaign[1]:
            raise ValueError("campaign: it must end after its start")

    @property
    def title(self) -> str:
        """Return the name as people write it."""
        return self.name or self.tag.capitalize()

    @property
    def account(self) -> str:
        """Return the handle of the brand's own accounts."""
        return self.handle or self.tag


def sports_brands(start: datetime) -> tuple[Brand, ...]:
    """Return the brands of the demo: 7 days before, 14 days of campaign for #nike, two
    competitors.
    """
    begin = start + timedelta(days=7)
    return (
        Brand(
            tag="nike",
            posts_per_day=150,
            followers=3_000_000,
            campaign=(begin, begin + timedelta(days=14)),
            interest="running",
        ),
        Brand(tag="adidas", posts_per_day=100, followers=2_400_000, interest="running"),
        Brand(tag="puma", posts_per_day=50, followers=1_100_000, interest="football"),
    )
