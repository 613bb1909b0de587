#!/usr/bin/env bash
# Mutates packages and runs the tests of each against every mutant: which changes of the code
# does no test notice? The mutants are gremlins', of the version below; it runs in a copy of the
# sources, so that the tree may be edited meanwhile. What make mutants runs.
#
#   build/mutants.sh ./protocol ./server/tap
#
# SAMPLE=8 mutates about one line of 8, chosen by what it and the line before it say, so that
# the same lines are chosen when others change. LIMIT=30m ends each package's run after that
# time; the score is that of the mutants that were run by then. WORKERS=1 runs one at a time.
set -eu -o pipefail

gremlins=github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
sample=${SAMPLE:-1} limit=${LIMIT:-0} workers=${WORKERS:-$(nproc)}

cd "$(dirname "$0")/.."
top=$PWD out=$PWD/bin/mutants
mkdir -p "$out"
[ -x "bin/${gremlins##*@}/gremlins" ] || GOBIN=$PWD/bin/${gremlins##*@} go install "$gremlins"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A mutant that does not compile has been found by no test: gremlins knows it by exit code 2.
mkdir "$work/path"
cat >"$work/path/go" <<END
#!/usr/bin/env bash
if [ "\$1 \$2" = "test -timeout" ]; then '$(command -v go)' build "\${@: -1}" || exit 2; fi
exec '$(command -v go)' "\$@"
END
chmod +x "$work/path/go"

# copy puts a copy of the sources into $1, without the tests below the package $2.
copy() {
  mkdir -p "$1"
  git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done | tar -cf - -T - | tar -xf - -C "$1"
  find "$1/$2" -mindepth 2 -name '*_test.go' -delete
}

# choose commits the package $2 of the copy $1 with the sampled lines changed, and puts them
# back: then gremlins mutates what differs from the commit.
choose() (
  cd "$1"
  git init -q . && git config user.name mutants && git config user.email mutants@localhost
  tar -cf "$work/kept.tar" "$2"
  for f in "$2"/*.go; do
    awk -v n="$sample" '
      BEGIN { for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i }
      function sum(s,    i, h) { for (i = 1; i <= length(s); i++) h = (h * 31 + code[substr(s, i, 1)]) % 1000003; return h }
      { print sum(last $0) % n == 0 ? $0 " // chosen" : $0; last = $0 }' "$f" >"$work/f" && cp "$work/f" "$f"
  done
  git add -A && git commit -q -m 'all but the chosen lines'
  tar -xf "$work/kept.tar"
)

# mutate runs the mutants of the package $1 and says how many were found.
mutate() {
  local tree=$work/tree log=$out/${1//\//-}.txt coefficient start
  local -a diff=()
  rm -rf "$tree"
  copy "$tree" "$1"
  if [ "$sample" -gt 1 ]; then
    choose "$tree" "$1"
    diff=(--diff HEAD)
  fi

  # The bound on one mutant's build and tests: three times what they take here, and 20 s.
  # gremlins multiplies a time of its own measuring, which is about this one.
  start=$SECONDS
  (cd "$tree" && go test -count=1 -cover "./$1" >/dev/null)
  (cd "$tree" && start=$SECONDS && go test -count=1 -cover "./$1" >/dev/null && echo $((SECONDS - start + 1)) >"$work/seconds")
  coefficient=$((3 + 20 / $(<"$work/seconds")))

  cd "$tree/$1"
  PATH=$work/path:$PATH TMPDIR=$work GOFLAGS="-count=1 -vet=off -ldflags=-w" \
    GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=diff.relative GIT_CONFIG_VALUE_0=true GIT_CONFIG_KEY_1=diff.context GIT_CONFIG_VALUE_1=0 \
    timeout --foreground -s INT "$limit" "$top/bin/${gremlins##*@}/gremlins" unleash --exclude-files / \
    --workers "$workers" --timeout-coefficient "$coefficient" --invert-logical --invert-loopctrl --invert-assignments \
    --invert-bitwise --invert-bwassign --remove-self-assignments "${diff[@]}" "$PWD" >"$log" 2>&1 || true
  cd "$top"
  report "$1" "$log"
}

report() {
  awk -v package="$1" '
    / at .*:[0-9]+:[0-9]+$/ && !seen[$0]++ { n[$1 == "NOT" || $1 == "TIMED" ? $1 " " $2 : $1]++ }
    END {
      found = n["KILLED"] + n["TIMED OUT"]; covered = found + n["LIVED"]; all = covered + n["NOT COVERED"]
      printf "%s: %d of %d mutants found (%.1f %%); ", package, found, all, all ? 100 * found / all : 0
      printf "%d lived, %d timed out (counted as found), %d in code that no test runs, %d did not compile\n",
        n["LIVED"], n["TIMED OUT"], n["NOT COVERED"], n["NOT VIABLE"]
    }' "$2"
  grep -E 'LIVED|NOT COVERED' "$2" | sed -E 's/^ +//' | sort -t: -k1,1 -k2,2n >"${2%.txt}-survivors.txt" || true
}

for package; do mutate "${package#./}"; done
echo "survivors: ${out#"$top"/}/*-survivors.txt"
