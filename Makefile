# make demo | venv | test | servers | check | bench [ONLY=name] | lock | image
#
# JOBS says how many processes run tests. PYTHON chooses the interpreter, 3.11 or newer. ARGS is passed on to pytest or demo, IMAGE_FLAGS to the container tool.

PYTHON ?= python3
IMAGE ?= client-access-prober
ARGS ?=
JOBS ?= logical
ONLY ?=
IMAGE_FLAGS ?=

VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
LOCKED := .venv/.locked-$(VERSION)
INSTALLED := .venv/.installed-$(VERSION)
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe \
	--strip-extras --newline lf --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

LABELS = --build-arg REVISION=$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown) \
	--build-arg VERSION=$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' prober/__init__.py) \
	--build-arg CREATED=$(shell date -u +%Y-%m-%dT%H:%M:%SZ)

.PHONY: demo venv test servers check bench lock image

venv: $(INSTALLED)

# A lock is complete: nothing is left to resolve, so nothing that was published since can come between. `pip check` holds it to that.
$(LOCKED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make venv: $(PYTHON) must be Python 3.11 or newer; choose one by PYTHON=" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	.venv/bin/python -m pip check --quiet --disable-pip-version-check
	touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: venv
	.venv/bin/prober demo $(ARGS)

test: venv
	.venv/bin/python -m pytest --numprocesses $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

servers:
	@tools/install-servers
	@PYTHON=$(PYTHON) tools/image-base

check: venv
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

bench: venv
	.venv/bin/python -m benchmarks $(ONLY)

# The oldest supported Python resolves to a superset: what newer ones have built in is listed, too.
lock: venv
	$(COMPILE) --extra speed --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra speed --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

# podman and buildah keep a health check only in this format; docker knows no other.
image:
	engine=$$(tools/container-engine) && BUILDAH_FORMAT=docker $$engine build $(LABELS) $(IMAGE_FLAGS) --tag $(IMAGE) --file Dockerfile . \
		&& $$engine images $(IMAGE)
