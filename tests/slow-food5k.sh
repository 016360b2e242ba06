#!/usr/bin/env bash
# The whole job on 1,000 real photographs with a network of real weights: the accuracy on evaluation, and a second run
# that finds everything done.  Prints the seconds of each stage.  Exit status 77 (skipped) where the data is absent.
set -u
shared=${SLABFIT_SHARED-}
photographs=$shared/data/food5k-mini
backbone=$shared/data/backbones/efficientnet-lite0.ts
python=${PYTHON:-python3}
if [ ! -d "$photographs" ] || [ ! -f "$backbone" ]; then
  echo "skipped: no $photographs or no $backbone; SLABFIT_SHARED names the folder with both"
  exit 77
fi
"$python" -c 'import json' 2>/dev/null || { echo 'skipped: no python3 to read JSON with'; exit 77; }

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

# The whole job, with its JSON object in $scratch/NAME.json.
whole_job ()
{
  slabfit run "$photographs" -o "$scratch/work" --backbone "$backbone" --classes non_food,food \
    --preprocess resize=256,crop=224,interp=bilinear,order=rgb,mean=127:127:127,std=128:128:128 \
    --json --quiet > "$scratch/$1.json" || { echo "not ok: run ended with status $?"; exit 1; }
}

# Names, sizes and times of all that must not be made again.
list_made ()
{
  find "$scratch/work/dataset" "$scratch/work/features" "$scratch/work/model.h5" -type f -printf '%p %s %T@ %i\n' | sort
}

whole_job first
list_made > "$scratch/first.list"
whole_job second
list_made > "$scratch/second.list"
cmp "$scratch/first.list" "$scratch/second.list" || { echo 'not ok: the second run made files again'; exit 1; }

"$python" - "$scratch/first.json" "$scratch/second.json" <<'END'
import json
import sys

ROWS = {"training": 600, "validation": 200, "evaluation": 200}
first, second = (json.load(open(path)) for path in sys.argv[1:])
wrong = []


def expect(what, found, expected):
    if found != expected:
        wrong.append(f"{what}: {found}, not {expected}")


for job, reused in ((first, 0), (second, 1)):
    for split, rows in ROWS.items():
        expect(split, job["organize"]["splits"][split], {"non_food": rows // 2, "food": rows // 2})
        found = job["extract"]["splits"][split]
        expect(split, [found["rows"], found["failed"], found["reused_rows"]], [rows, 0, reused * rows])
    expect("classes in the report", [job["evaluate"][name]["support"] for name in ("non_food", "food")], [100, 100])
expect("the second run's training is kept", [first["train"]["kept"], second["train"]["kept"]], [False, True])
expect("the second run's evaluation", second["evaluate"], first["evaluate"])
accuracy = first["evaluate"]["accuracy"]
if accuracy < 0.97:
    wrong.append(f"the accuracy on evaluation is {accuracy}, below 0.97")

extract, train = first["extract"], first["train"]
print(f"accuracy {accuracy}; extract {extract['seconds']['wall']:.1f} s ({extract['images_per_second']:.1f} images/s), "
      f"peak {extract['peak_bytes'] / 2**20:.0f} MiB; train {train['seconds']['wall']:.1f} s for "
      f"{len(train['epochs'])} epochs, peak {train['peak_bytes'] / 2**20:.0f} MiB")
for text in wrong:
    print("not ok:", text)
sys.exit(bool(wrong))
END
