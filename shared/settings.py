"""The sections of `hostel.toml` about people, keys, automation and what other systems are told; see `shared.config`."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(gt=0)]
Term = Annotated[float, Meta(ge=0, le=100 * 365 * 86_400)]
"""Seconds after which something is done; 0 is never."""
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1)]
AbsolutePath = Annotated[str, Meta(pattern="^/[^\x00\n]*$(?!\n)")]
HttpUrl = Annotated[str, Meta(pattern=r"^https?://[^\s]+$(?!\n)", max_length=2000)]
Rate = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$(?!\n)")]
"""In the notation of the `limits` library."""
ClaimName = Annotated[str, Meta(min_length=1, max_length=100)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", min_length=1, max_length=32)]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a section: an unknown key is an error."""


class Provider(Section, frozen=True):
    """`[auth.provider.NAME]`: whoever says who a person is."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    client_id: Annotated[str, Meta(min_length=1, max_length=500)]
    client_secret: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    client_secret_file: AbsolutePath | None = None
    server_metadata_url: HttpUrl | None = None
    authorize_url: HttpUrl | None = None
    token_url: HttpUrl | None = None
    userinfo_url: HttpUrl | None = None
    scope: Annotated[str, Meta(max_length=500)] = "openid email profile"
    id_claim: ClaimName = "sub"
    name_claim: ClaimName = "name"
    email_claim: ClaimName = "email"
    allow: dict[ClaimName, list[str]] = {}  # msgspec copies an empty default
    timeout: Seconds = 10

    @property
    def problem(self) -> str | None:
        """What is wrong with the section as a whole, or None."""
        plain = (self.authorize_url, self.token_url, self.userinfo_url)
        if self.server_metadata_url is None and not all(plain):
            return "needs server_metadata_url, or all of authorize_url, token_url and userinfo_url"
        if self.server_metadata_url is not None and any(plain):
            return "has server_metadata_url, which tells authorize_url, token_url and userinfo_url"
        if (self.client_secret is None) == (self.client_secret_file is None):
            return "needs one of client_secret and client_secret_file"
        return None


class Pam(Section, frozen=True):
    """`[auth.pam]`: operators who sign in with their account on the host."""

    group: Annotated[str, Meta(pattern="^[a-z_][a-z0-9_-]{0,31}$(?!\n)")] = "hostel-admin"
    service: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,31}$(?!\n)")] = "login"
    timeout: Seconds = 15


class Auth(Section, frozen=True):
    """`[auth]`: people sign in. Without it there are workspace secrets, keys and tokens alone."""

    create_organisations: Literal["admin", "people"] = "admin"
    session_lifetime: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 7 * 86_400
    session_idle: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 86_400
    provider: dict[Name, Provider] = {}  # msgspec copies an empty default
    pam: Pam | None = None


class Limits(Section, frozen=True):
    """`[limits]`: how many of each a workspace or an organisation may have."""

    keys: Count = 100
    members: Count = 1000
    organisations: Count = 10
    workspaces: Count = 100
    secrets: Count = 100
    schedules: Count = 100
    channels: Count = 100
    webhooks: Count = 20


class Tasks(Section, frozen=True):
    """`[tasks]`: prompts that run as jobs."""

    running: Annotated[int, Meta(ge=1, le=1000)] = 4
    queued: Count = 1000
    timeout: Seconds = 3600
    attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    retry_pause: Seconds = 30
    retention: Term = 30 * 86_400
    missed: Term = 86_400


class Channels(Section, frozen=True):
    """`[channels]`: messages between agents and people."""

    messages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class Webhooks(Section, frozen=True):
    """`[webhooks]`: what other systems are told."""

    allow: tuple[str, ...] = ()
    timeout: Seconds = 10
    attempts: Annotated[int, Meta(ge=1, le=50)] = 8
    retry_pause: Seconds = 10
    retention: Term = 7 * 86_400


class Gitea(Section, frozen=True):
    """`[provisioner.gitea]`: an organisation of a Gitea server for each workspace."""

    url: HttpUrl
    token_file: AbsolutePath
    timeout: Seconds = 20


class Coolify(Section, frozen=True):
    """`[provisioner.coolify]`: a project of a Coolify server for each workspace."""

    url: HttpUrl
    token_file: AbsolutePath
    timeout: Seconds = 20


class Provisioners(Section, frozen=True):
    """`[provisioner]`: what a workspace gets beside its Linux user."""

    attempts: Annotated[int, Meta(ge=1, le=50)] = 5
    retry_pause: Seconds = 5
    gitea: Gitea | None = None
    coolify: Coolify | None = None


class RateLimits(Section, frozen=True):
    """`[api.rate_limits]`: how often one client may do what."""

    login: Rate = "10/minute"
    redeem: Rate = "10/minute"
    create_workspace: Rate = "30/minute"
    mint: Rate = "60/minute"
    request: Rate = "6000/minute"


class Api(Section, frozen=True):
    """`[api]`: the HTTP server."""

    listen: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^\s]+)?$(?!\n)", max_length=2000)] = ""
    hosts: tuple[str, ...] = ()
    trusted_proxies: Annotated[int, Meta(ge=0, le=10)] = 0
    create_workspaces: Literal["admin", "open"] = "admin"
    provisioning_timeout: Seconds = 600
    token_lifetime: Annotated[int, Meta(ge=60, le=86_400)] = 86_400
    refresh_lifetime: Annotated[int, Meta(ge=60)] = 30 * 86_400
    body_max: Bytes = 1024 * 1024
    rate_limits: RateLimits = field(default_factory=RateLimits)

    @property
    def url(self) -> str:
        """Where a person on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.listen, self.listen)  # noqa: S104  # told apart, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def base(self) -> str:
        """The address that people and agents use, without a slash at the end."""
        return (self.public_url or self.url).rstrip("/")
