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

# What gremlins runs as go. go test answers 1 for a mutant that does not compile, too, which no
# test has found: gremlins is told 2. A test that fails now and then finds nothing: the tests have to
# fail twice. gremlins would take the time for the build as the tests', and leave a test that does
# not end running: go test has a limit of its own. And it would mutate only what coverage reports,
# which leaves out constants and the conditions of switches: it is told that every line is covered.
mkdir "$work/path"
cat >"$work/path/go" <<END
#!/usr/bin/env bash
go='$(command -v go)'
case "\$1 \$2" in
"test -timeout")
  for _ in 1 2; do
    out=\$("\$go" test -timeout "\$(<'$work/timeout')" "\${@:4}" 2>&1) && exit 0
    if [[ \$out == *"[build failed]"* ]]; then exit 2; fi
    if [[ \$out == *"test timed out after"* ]]; then echo "\$PWD" >>'$work/timeouts' && exit 1; fi
  done
  exit 1 ;;
"test -cover")
  echo mode: set >"\$4"
  exec "\$go" list -f '{{range .GoFiles}}{{\$.ImportPath}}/{{.}}:1.1,99999.1 1 1{{"\n"}}{{end}}' "\$5" >>"\$4" ;;
*) exec "\$go" "\$@" ;;
esac
END
chmod +x "$work/path/go"

# copy puts a copy of the sources into $1.
copy() {
  mkdir -p "$1"
  git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done | tar -cf - -T - | tar -xf - -C "$1"
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
  local tree=$work/tree log=$out/${1//\//-}.txt start
  local -a diff=()
  rm -rf "$tree"
  copy "$tree"
  if [ "$sample" -gt 1 ]; then
    choose "$tree" "$1"
    diff=(--diff HEAD)
  fi

  # The tests of a mutant may take three times what they take here, and 20 s.
  (cd "$tree" && go test -c -o "$work/package.test" "./$1")
  start=$SECONDS
  (cd "$tree/$1" && "$work/package.test" >/dev/null 2>&1) || echo "$1: tests fail in the code as it is: the score is too high" >&2
  echo "$((20 + 3 * (SECONDS - start)))s" >"$work/timeout"
  : >"$work/timeouts"

  cd "$tree/$1"
  PATH=$work/path:$PATH TMPDIR=$work GOFLAGS="-count=1 -vet=off -ldflags=-w" \
    GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=diff.relative GIT_CONFIG_VALUE_0=true GIT_CONFIG_KEY_1=diff.context GIT_CONFIG_VALUE_1=0 \
    timeout --foreground -s INT "$limit" "$top/bin/${gremlins##*@}/gremlins" unleash --exclude-files / \
    --workers "$workers" --timeout-coefficient 10000 --invert-logical --invert-loopctrl --invert-assignments \
    --invert-bitwise --invert-bwassign --remove-self-assignments "${diff[@]}" "$PWD" >"$log" 2>&1 || true
  cd "$top"
  report "$1" "$log" "$(wc -l <"$work/timeouts")"
}

# report counts the lines of gremlins' log $2, $3 of the mutants being timeouts, and lists those that
# lived with their lines.
report() {
  awk -v package="$1" -v timeouts="$3" '
    / at .*:[0-9]+:[0-9]+$/ && !seen[$0]++ { n[$1]++ }
    END {
      found = n["KILLED"]; all = found + n["LIVED"]
      printf "%s: %d of %d mutants found (%.0f %%), %d of them by a timeout\n", package, found, all, all ? 100 * found / all : 0, timeouts
    }' "$2"
  grep -q '^Mutation testing completed' "$2" || echo "$1: not all of the mutants were run: LIMIT=$limit was over, or see $2"
  sed -nE 's/^ *LIVED (.*) at (.*):([0-9]+):([0-9]+)$/\2 \3 \4 \1/p' "$2" | sort -u -k1,1 -k2,2n -k3,3n -k4 |
    while read -r file line column kind; do
      echo "$1/$file:$line:$column $kind: $(sed -nE "$line{s/^[[:space:]]+//;p;}" "$1/$file")"
    done >"${2%.txt}-survivors.txt"
}

for package; do mutate "${package#./}"; done
echo "survivors: ${out#"$top"/}/*-survivors.txt"
