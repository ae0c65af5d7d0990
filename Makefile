# Everything that is done with hostel's sources begins here; `make` alone says what there is.
STATE ?= /var/lib/hostel-run
PORT ?=
TEST_STATE ?= /var/lib/hostel-test
ARGS ?=
DESTDIR ?=
PREFIX ?= /usr

develop = exec tools/python -m tools.develop --state '$(TEST_STATE)'

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 20

run:  ## set up in STATE and serve http://127.0.0.1:8080 (PORT=) until Ctrl-C
	@exec tools/python -m tools.run --state '$(STATE)' $(if $(PORT),--port '$(PORT)')

test:  ## check, then all tests, as root (ARGS= go to pytest)
	@$(develop) test $(ARGS)

check:  ## lint, format and types, in seconds
	@$(develop) check

fmt:  ## format
	@$(develop) fmt

bench:  ## figures beside their floors
	@$(develop) bench $(ARGS)

screenshots:  ## take the pictures in docs/pictures
	@$(develop) screenshots

protocol:  ## write the tables of docs/protocol.md
	@$(develop) protocol

install:  ## install under PREFIX and /etc (DESTDIR=)
	@exec tools/python -m tools.install --destdir '$(DESTDIR)' --prefix '$(PREFIX)'

clean:  ## remove what the tools leave in the checkout; state folders stay
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis web/node_modules api/static
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run test check fmt bench screenshots protocol install clean
