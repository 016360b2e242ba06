#!/bin/bash
# What data/slurm/submit.sh would submit, and what it refuses.  Needs no SLURM.
. "$(dirname "$0")"/../functions.sh || exit 1
submit=$abs_top_srcdir/data/slurm/submit.sh
scripts=$(cd "$abs_top_srcdir"/data/slurm && pwd)
mkdir 'my photos' photos
touch net.ts photos.tar

run 0 "$submit" --dry-run --dataset photos --features f --backbone net.ts
output <<END
sbatch --array=0-7 $scripts/extract.sbatch photos -o f --backbone net.ts
sbatch --dependency=afterok:EXTRACT --kill-on-invalid-dep=yes $scripts/merge.sbatch f
END

run 0 "$submit" --dry-run --dataset='my photos' --features 'f 1' --backbone net.ts --model m.h5 --array=100%10 \
  --partition long --account a1 --time 1-00:00:00 --cpus 8 --memory=16G --gpus 1 --stage --extract --pool=avg \
  --extract=--preprocess --extract 'resize=224x224' --train --epochs=50 --sbatch "--comment=it's"
all="--partition=long --account=a1 --time=1-00:00:00 --mem=16G --comment=it\\'s"
photos="my\\ photos -o f\\ 1 --backbone net.ts --device=cuda --pool=avg --preprocess resize=224x224"
after=--kill-on-invalid-dep=yes
output <<END
sbatch --array=0-99%10 $all --cpus-per-task=8 --gres=gpu:1 $scripts/extract.sbatch --stage $photos
sbatch --dependency=afterok:EXTRACT $after $all $scripts/merge.sbatch f\\ 1
sbatch --dependency=afterok:MERGE $after $all --cpus-per-task=8 $scripts/train.sbatch f\\ 1 -o m.h5 --epochs=50
END

run 0 "$submit" --help
like 'Usage: submit.sh --dataset DATASET --features FEATURES --backbone FILE.ts \[OPTION...\]' "$(head -n 1 out)"

# misused MESSAGE ARGUMENT...
misused () {
  run 2 "$submit" "${@:2}"
  printf '%s\n' "submit.sh: $1" "Try 'submit.sh --help' for more information." | compare messages err
}
given=(--dataset photos --features f --backbone net.ts)
misused 'give the photographs: --dataset DATASET'
misused 'give the folder for the features: --features FEATURES' --dataset photos
misused 'give the network: --backbone FILE.ts' --dataset photos --features f
misused 'give the model to train: --model MODEL.h5' "${given[@]}" --train --epochs=2
misused "--dataset takes a value" --dataset
misused "there is no option '--pool'" "${given[@]}" --pool avg
misused "'photos' is no option" photos
for array in 0 -1 0-9 3% x; do
  misused "--array takes N or N%M, not '$array'" "${given[@]}" --array "$array"
done
refuses 1 "submit.sh: there is no 'other'; check --dataset" "$submit" "${given[@]}" --dataset other
refuses 1 "submit.sh: there is no 'other.ts'; 'slabfit backbone' makes one" "$submit" "${given[@]}" --backbone other.ts
run 0 "$submit" "${given[@]}" --dataset photos.tar --dry-run

# Outside of a job the scripts say how they are submitted.
for script in extract merge train; do
  run 2 env -u SLURM_JOB_ID "$scripts"/$script.sbatch
  like 'usage: sbatch .*' "$(<err)"
done

# The dataset is copied or unpacked where there is a place for it, and read where it is else.  The copy does not stay.
mkdir disk other photos/training
tar -c -f photos.tar photos
tar -cz -f photos.tar.gz photos
printf '#!/bin/sh\necho "$@" && ls "$2"\n' >slabfit-list
chmod +x slabfit-list
export SLURM_JOB_ID=7 SLABFIT=./slabfit-list
unset TMPDIR
staged () {
  run 0 "$scripts"/extract.sbatch --stage "$1" -o 'f 1'
  test -z "$(ls -A disk)$(ls -A other)" || fail "left behind: $(find disk other)"
}
touch 'my photos/one'
staged 'my photos'
printf 'extract my photos -o f 1\none\n' | output
echo "extract.sbatch: neither SLURM_TMPDIR nor TMPDIR is set here; reading 'my photos' where it is" | errors
export TMPDIR=$PWD/other
staged 'my photos'
printf 'extract %s/slabfit-7-0/dataset -o f 1\none\n' "$PWD/other" | output
export SLURM_TMPDIR=$PWD/disk
SLURM_RESTART_COUNT=1 staged photos.tar.gz
printf 'extract %s/slabfit-7-1/photos -o f 1\ntraining\n' "$PWD/disk" | output
staged photos.tar
printf 'extract %s/slabfit-7-0/photos.tar -o f 1\n%s/slabfit-7-0/photos.tar\n' "$PWD/disk" "$PWD/disk" | output
touch list.csv
staged list.csv
printf 'extract list.csv -o f 1\nlist.csv\n' | output
echo "extract.sbatch: 'list.csv' is a list; its images are read where they are" | errors
run 1 "$scripts"/extract.sbatch --stage none -o f
test ! -s out || fail 'slabfit was called though its photographs could not be copied'
test -z "$(ls -A disk)" || fail "left behind: $(find disk)"
