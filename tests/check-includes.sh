#!/usr/bin/env bash
# The order of dependence between folders, read from the #include lines; only shim/ holds C++; no file name twice.
set -u
srcdir=${srcdir-.}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

# The folders that the files of FOLDER may include, its own among them.
allowed_for ()
{
  case $1 in
    src/base) echo 'src/base' ;;
    src/backbone) echo 'src/base src/backbone shim' ;;
    src/image) echo 'src/base src/image' ;;
    src/store) echo 'src/base src/store' ;;
    src/extract) echo 'src/base src/image src/store src/extract shim' ;;
    src/learn) echo 'src/base src/store src/learn' ;;
    src/cli) echo 'src/base src/backbone src/image src/store src/extract src/learn src/cli shim' ;;
    shim) echo 'shim' ;;
    *) echo '' ;;
  esac
}

# One line for each #include "..." of the tree in the present folder that its table does not allow.
check_includes ()
{
  local file line folder target
  grep -rE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src shim | while IFS=: read -r file line; do
    folder=$(dirname "$file")
    line=${line#*\"}
    target=$(realpath -m --relative-to=. "$folder/${line%%\"*}")
    case " $(allowed_for "$folder") " in
      *" $(dirname "$target") "*) ;;
      *) echo "$file includes $target, which $folder may not" ;;
    esac
  done
}

# One line for each file of C++ outside shim/, and for each name that two files have.
check_names ()
{
  find src -name '*.cpp' -o -name '*.cc' -o -name '*.cxx' -o -name '*.hpp' -o -name '*.C' \
    | sed 's|$| is C++, which belongs in shim/|'
  find src shim tests data -name '*.[ch]' -o -name '*.cpp' | sed 's|.*/||' | sort | uniq -d \
    | sed 's|$| is the name of two files|'
}

# What is wrong with the tree in the folder TREE.
complaints ()
{
  (cd "$1" && check_includes && check_names)
}

# A small sound tree is not complained of; with one more file FILE that holds CONTENT it must be.
must_complain ()
{
  local file=$1 content=$2
  rm -rf "$scratch/tree"
  mkdir -p "$scratch"/tree/{src/{backbone,base,image,store,extract,learn,cli},shim,tests,data}
  printf '#include <config.h>\n#include "../base/a.h"\n' > "$scratch/tree/src/image/sound.c"
  [ -z "$(complaints "$scratch/tree")" ] || { echo 'a sound tree is complained of'; return 1; }
  printf '%s\n' "$content" > "$scratch/tree/$file"
  [ -n "$(complaints "$scratch/tree")" ] || { echo "not noticed: $content in $file"; return 1; }
}

status=0
must_complain src/base/bad.c '#include "../image/decode.h"' || status=1
must_complain src/image/bad.c '#include "../store/tile.h"' || status=1
must_complain src/image/bad.h '  # include "../../shim/network.h"' || status=1
must_complain src/backbone/bad.c '#include "../extract/extractor.h"' || status=1
must_complain src/store/bad.c '#include "../image/manifest.h"' || status=1
must_complain src/extract/bad.c '#include "../learn/head.h"' || status=1
must_complain src/learn/bad.c '#include "../../shim/network.h"' || status=1
must_complain src/cli/bad.c '#include "../../tests/helper.h"' || status=1
must_complain shim/bad.cpp '#include "../src/base/error.h"' || status=1
must_complain src/store/bad.cpp 'class bad;' || status=1
must_complain src/store/sound.c '#include <config.h>' || status=1

found=$(complaints "$srcdir")
if [ -n "$found" ]; then
  printf '%s\n' "$found"
  status=1
fi
[ -n "$(cd "$srcdir" && ls src/*/*.c)" ] || status=1
exit $status
