#!/bin/bash
# Progress on a terminal: a bar on one line, whatever the terminal's width, and nothing of it with -q or in a log file.
. "$(dirname "$0")"/functions.sh || exit 1
command -v script >/dev/null 2>&1 || skip 'no script (Debian: bsdutils)'

# Enough images for a few tenths of a second.
network wide
for split in training 'a split with a rather long name'; do
  mkdir -p "dataset/$split/a"
  cp "$images"/photo.jpg "dataset/$split/a/0.jpg"
  for i in $(seq 799); do ln "dataset/$split/a/0.jpg" "dataset/$split/a/$i.jpg"; done
done
extract='slabfit extract dataset --backbone wide.ts --preprocess resize=160x160 --network-batch 1 --threads 1'

# on COLUMNS COMMAND: the lines that COMMAND writes to a terminal of that width, each state of a bar a line of its own.
on () {
  script -qec "stty cols $1; $2" /dev/null </dev/null >screen || fail "'$2' fails on a terminal"
  tr '\r' '\n' <screen | sed 's/\x1b\[K//g' >lines
}

for columns in 20 80; do
  on $columns "$extract -o f.$columns"
  grep '^extract ' lines | grep -Ev ', [0-9.]* s$' >bars
  awk -v columns=$columns 'length >= columns { print "too long: " $0; wide = 1 } END { exit wide }' bars \
    || fail "the bar is wider than the terminal of $columns columns"
  test -s bars || fail "no bar on a terminal of $columns columns"
done
grep -Eq '^extract training \[#*\.*\] [0-9]+/800 images, [0-9.]+/s, [0-9]+ s left$' lines \
  || fail "no bar in $(cat lines)"
grep -Eq '^extract training 800/800 images, [0-9.]+/s, [0-9.]+ s$' lines || fail "no last line in $(cat lines)"

on 80 "$extract -o q -q"
grep -q 'extract training\|\[' lines && fail "-q shows $(cat lines)"
run 0 $extract -o h
tr -d -c '\r\033' <err >controls
test -s controls && fail 'a log file holds control characters'
test "$(grep -vc '^network: ' err)" = 3 || fail "a log file of $(wc -l <err) lines"
