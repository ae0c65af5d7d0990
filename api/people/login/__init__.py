"""Sign-in by an identity provider, OpenID Connect or plain OAuth 2: Authlib speaks the protocol, this package decides."""
