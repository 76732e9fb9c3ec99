# The verbs of the house. What they do is in scripts/; what they need is in packages.txt.

PREFIX ?= /usr/local

CASES ?= ../shared/cel
TARGET ?= all
SECONDS ?= 60

.PHONY: help demo test conformance fuzz lib flavour-embedded install bench bench-cel bench-rules bench-load bench-external abi trap-audit format packages clean

help:
	@echo 'make demo                replay the bookinfo example through libpurser.so'
	@echo 'make test                everything that has to hold; what continuous integration runs'
	@echo 'make conformance CASES=DIR  the CEL conformance cases (*.jsonl) of a folder'
	@echo 'make fuzz SECONDS=N TARGET=parse|evaluate|print|twin|decode|decide|host|all'
	@echo 'make lib                 build/lib/libpurser.so and build/bin/purser'
	@echo 'make flavour-embedded    build/embedded/lib/libpurser.so: the same library in at most 1 MB'
	@echo 'make install PREFIX=DIR  header, library, purser.pc and the command line tool'
	@echo 'make bench               measure; make bench-cel: CEL against cel-cpp and the Rust crate'
	@echo 'make bench-rules         a decision with 1 to 100,000 rules, beside the same rules in C, and a chart'
	@echo 'make bench-load          loads of 100,000 rules, and reloads that change one policy of many'
	@echo 'make bench-external      a decision whose provider is asked, or its answer kept, and a million requests'
	@echo 'make abi                 the symbols of the library against the header and the list'
	@echo 'make trap-audit          traps, reference counts, allocations that a request can reach in the machine code'
	@echo 'make format              swift format, in place'
	@echo 'make clean               remove build/ and .build/'

packages:
	@scripts/packages.sh

lib: packages
	scripts/build-library.sh

flavour-embedded: packages
	scripts/build-embedded.sh

demo: lib
	examples/bookinfo/demo.sh

test:
	@scripts/test.sh

# Cases known to fail are listed with their reasons; any other failure is an error.
conformance: packages
	@swift run --quiet conformance --expected-failures Tests/CELTests/conformance-failures.txt '$(CASES)'

fuzz: packages
	scripts/fuzz.sh run '$(TARGET)' '$(SECONDS)'

install: lib
	scripts/install.sh '$(PREFIX)'

bench: lib
	Benchmarks/run.sh
	Benchmarks/envoy/run.sh
	Benchmarks/cel/run.sh '$(CASES)'

# About ten minutes.
bench-rules: lib
	Benchmarks/rules/run.sh

bench-load: lib
	Benchmarks/load/run.sh

# About ten minutes. A gRPC server comes from PyPI.
bench-external: lib
	Benchmarks/external/run.sh

# CEL's part of it alone.
bench-cel: packages
	Benchmarks/cel/run.sh '$(CASES)'

abi: lib
	Tests/ABI/symbols.sh

trap-audit: lib
	scripts/trap-audit/run.sh

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests

clean:
	rm -rf build .build
