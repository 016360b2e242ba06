#!/usr/bin/env bash
# Usage: submit.sh --dataset DATASET --features FEATURES --backbone FILE.ts [OPTION...]
# Submits to SLURM: extraction as a job array, then the merge of its parts, then the training of a model.
#
#   --dataset DATASET     the images: a folder, a tar file, or a list of paths
#   --features FEATURES   the folder for SPLIT.h5
#   --backbone FILE.ts    the network
#   --model MODEL.h5      the model to train; without it nothing is trained
#   --array N[%M]         N tasks for the extraction (8), at most M of them at the same time
#   --partition NAME      )
#   --account NAME        ) of all jobs
#   --time TIME           )
#   --cpus N              processors for each task, and for the training
#   --memory SIZE         memory of each job, such as 16G
#   --gpus N              GPUs for each task of the extraction, which uses one: --device cuda
#   --stage               copy the dataset to $SLURM_TMPDIR or $TMPDIR first: a folder or a tar file
#   --extract OPTION      a further option for 'slabfit extract', such as --extract --pool=avg
#   --train OPTION        a further option for 'slabfit train', such as --train --epochs=50
#   --sbatch OPTION       a further option for all sbatch commands, such as --sbatch --qos=long
#   --dry-run             print the commands, submit nothing
#
# --extract, --train and --sbatch take one word, and may be given any number of times.
# Submitted again after a failure, the same command goes on where it ended.
set -eu

die ()
{
  printf 'submit.sh: %s\n' "$*" >&2
  exit 1
}

misuse ()
{
  printf 'submit.sh: %s\n' "$*" >&2
  printf "Try 'submit.sh --help' for more information.\n" >&2
  exit 2
}

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dataset='' features='' backbone='' model='' array=8 cpus='' gpus='' dry=''
stage=() common=() extract=() train=()

while [ $# -gt 0 ]; do
  option=$1
  shift
  case $option in
    --help | -h)
      sed -n '2,/^set -eu/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --stage) stage=(--stage) && continue ;;
    --dry-run) dry=yes && continue ;;
    --?*=*)
      value=${option#*=}
      option=${option%%=*}
      ;;
    --?*)
      [ $# -gt 0 ] || misuse "$option takes a value"
      value=$1
      shift
      ;;
    *) misuse "'$option' is no option" ;;
  esac
  case $option in
    --dataset) dataset=$value ;;
    --features) features=$value ;;
    --backbone) backbone=$value ;;
    --model) model=$value ;;
    --array) array=$value ;;
    --partition | --account | --time) common+=("$option=$value") ;;
    --memory) common+=("--mem=$value") ;;
    --cpus) cpus=$value ;;
    --gpus) gpus=$value ;;
    --extract) extract+=("$value") ;;
    --train) train+=("$value") ;;
    --sbatch) common+=("$value") ;;
    *) misuse "there is no option '$option'" ;;
  esac
done

[ -n "$dataset" ] || misuse 'give the photographs: --dataset DATASET'
[ -n "$features" ] || misuse 'give the folder for the features: --features FEATURES'
[ -n "$backbone" ] || misuse 'give the network: --backbone FILE.ts'
[[ $array =~ ^([1-9][0-9]*)(%[1-9][0-9]*)?$ ]] || misuse "--array takes N or N%M, not '$array'"
array=0-$((BASH_REMATCH[1] - 1))${BASH_REMATCH[2]-}
[ -e "$dataset" ] || die "there is no '$dataset'; check --dataset"
[ -e "$backbone" ] || die "there is no '$backbone'; 'slabfit backbone' makes one"
[ ${#train[@]} = 0 ] || [ -n "$model" ] || misuse 'give the model to train: --model MODEL.h5'

# Submitted from inside a job, a new one would take these for its own.
for name in $(compgen -v SLURM_); do
  case $name in
    SLURM_ARRAY_* | SLURM_STEP* | SLURM_CPUS_* | SLURM_MEM_* | SLURM_NTASKS* | SLURM_TASKS_*) unset "$name" ;;
  esac
done

submitted=''

# Submits WHAT by sbatch ARGUMENT..., and sets job to its number.
submit ()
{
  local what=$1
  shift
  if [ -n "$dry" ]; then
    printf 'sbatch'
    printf ' %q' "$@"
    echo
    job=${what^^}
    return
  fi
  job=$(sbatch --parsable "$@") \
    || die "sbatch refused the $what job${submitted:+; to cancel those before it: scancel$submitted}"
  job=${job%%;*}
  submitted="$submitted $job"
  echo "$what: job $job"
}

of_extract=("${common[@]}" ${cpus:+"--cpus-per-task=$cpus"} ${gpus:+"--gres=gpu:$gpus"})
of_train=("${common[@]}" ${cpus:+"--cpus-per-task=$cpus"})
after='--kill-on-invalid-dep=yes' # or a job would wait for ever where the one before it failed

submit extract "--array=$array" "${of_extract[@]}" "$folder/extract.sbatch" "${stage[@]}" \
  "$dataset" -o "$features" --backbone "$backbone" ${gpus:+--device=cuda} "${extract[@]}"
submit merge "--dependency=afterok:$job" $after "${common[@]}" "$folder/merge.sbatch" "$features"
[ -z "$model" ] || submit train "--dependency=afterok:$job" $after "${of_train[@]}" \
  "$folder/train.sbatch" "$features" -o "$model" "${train[@]}"
