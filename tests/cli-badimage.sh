#!/bin/bash
# Images that cannot be read: each is named with its reason, the others are extracted, and too many end in a failure.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools

network mean
mkdir -p dataset/training/a dataset/training/b
cp "$images"/{one,gray,cmyk,ycck,progressive,photo}.jpg dataset/training/a
cp "$images"/{rgb,colour-420,colour-422,colour-444}.jpg dataset/training/b
extract () { slabfit extract dataset -o "$1" --backbone mean.ts --preprocess resize=32x32 "${@:2}"; }

# All of these can be read.
run 0 extract good -q
head -n 1 out >said
compare 'first line' said <<'END'
training: 10 rows, 0 of them kept from before, 0 failed
END
test -z "$(failed good/training.h5)" || fail "failed: $(failed good/training.h5)"

# None of these can.
bad=dataset/training/b
echo 'not a photograph' >$bad/text.jpg
: >$bad/empty.jpg
cp "$images"/truncated.jpg "$images"/truncated-progressive.jpg "$images"/enormous.jpg $bad
head -c 2 "$images"/photo.jpg >$bad/two-bytes.jpg
head -c 3 "$images"/photo.jpg >$bad/three-bytes.jpg
head -c 300 "$images"/photo.jpg >$bad/header.jpg
head -c 60 "$images"/png-rgb-8.png >$bad/png.jpg
printf 'GIF89a' >$bad/gif.jpg
printf '<!DOCTYPE html><p>404' >$bad/page.jpg
printf 'RIFF\020\0\0\0WEBPVP8 ' >$bad/webp.jpg
ln -s nowhere $bad/dangling.jpg
cat >reasons <<'END'
training/b/dangling.jpg: cannot be read: No such file or directory
training/b/empty.jpg: an empty file
training/b/enormous.jpg: 60000 x 60000 pixels, more than the 178956970 allowed
training/b/gif.jpg: a GIF file, not a JPEG or PNG
training/b/header.jpg: truncated: the data end before the image does
training/b/page.jpg: an HTML page, not a JPEG or PNG
training/b/png.jpg: truncated: the data end before the image does
training/b/text.jpg: not a JPEG or PNG file
training/b/three-bytes.jpg: truncated: the data end before the image does
training/b/truncated-progressive.jpg: truncated: the data end before the image does
training/b/truncated.jpg: truncated: the data end before the image does
training/b/two-bytes.jpg: not a JPEG or PNG file
training/b/webp.jpg: a WebP file, not a JPEG or PNG
END

# More than 1 % of 23 images, rounded up: the run fails at its end, with all that was done kept.
run 1 extract f
output </dev/null
tail -n 1 err >said
compare 'last message' said <<'END'
slabfit extract: 13 of the 23 images of 'training' could not be read, more than the 1 allowed, the first 'training/b/enormous.jpg' (60000 x 60000 pixels, more than the 178956970 allowed); mend or remove them, which 'slabfit info' lists for each part, and give --force, or allow more with --max-failures
END
# Ten of them are named at once, in the order of the rows.
grep '^training/' err | sort >named
test "$(wc -l <named)" = 10 || fail "$(wc -l <named) images are named"
test -z "$(comm -23 named reasons)" || fail "named wrongly: $(comm -23 named reasons)"
grep -qx 'further images that cannot be read are not named here' err || fail 'nothing is said of the others'
grep -q '^extract training 23/23 images' err || fail 'the failed images are not counted in the progress'
absent f/training.h5
failed f/training.parts/00000.h5 >found
compare 'reasons in the part' found <reasons
run 1 extract f --max-failures 12 -q
output </dev/null
errors <<'END'
slabfit extract: 13 of the 23 images of 'training' could not be read, more than the 12 allowed, the first 'training/b/enormous.jpg' (60000 x 60000 pixels, more than the 178956970 allowed); mend or remove them, which 'slabfit info' lists for each part, and give --force, or allow more with --max-failures
END

# Of several such splits the run fails with the first, and tells of the others.
for split in training validation; do
  mkdir -p two/$split/a
  cp "$images"/photo.jpg two/$split/a
  : >two/$split/a/empty.jpg
done
run 1 slabfit extract two -o g --backbone mean.ts --preprocess resize=32x32 --max-failures 0
grep -o ".*1 of the 2 images of '[a-z]*' could not be read.*(.*)" err >said
compare 'both splits' said <<'END'
1 of the 2 images of 'validation' could not be read, more than the 0 allowed, the first 'validation/a/empty.jpg' (an empty file)
slabfit extract: 1 of the 2 images of 'training' could not be read, more than the 0 allowed, the first 'training/a/empty.jpg' (an empty file)
END

# Allowed, nothing is done again.
run 0 extract f --max-failures 13
output <<'END'
training: 10 rows, 10 of them kept from before, 13 failed
END
errors <<'END'
13 images of 'training' could not be read; 'slabfit info' of its feature file lists them
END
run 0 extract f --max-failures 57% --json -q
json "d['splits'] == {'training': {'rows': 10, 'failed': 13, 'reused_rows': 10, 'missing_parts': 0}}"
failed f/training.h5 >found
compare 'reasons' found <reasons
run 0 slabfit info f/training.h5 --json
json "d['failed'] == 13 and sorted('%s: %s' % failure for failure in d['failures'].items()) \
== open('reasons').read().splitlines()"
run 0 slabfit verify f/training.h5 -q

# The rows of the others are as without the bad ones, which only changed their order.
rows () {
  paste -d ' ' <(values "$1" /images) <(values "$1" /labels) <(values "$1" /features | paste -d ' ' - - -) | sort
}
rows good/training.h5 >good.rows
rows f/training.h5 >rows
same good.rows rows

# Removed, the features are made anew with --force only.
find $bad -name '*.jpg' ! -name rgb.jpg ! -name 'colour*' -delete
run 1 extract f
grep -q 'the images differ; repeat the command that made it, choose another folder, or use --force$' err \
  || fail "$(cat err)"
run 0 extract f --force -q
rows f/training.h5 >rows
same good.rows rows

# A folder in the place of an image is no image.
mkdir $bad/folder.jpg
run 0 extract f -q
rmdir $bad/folder.jpg

# No permission to read one.
if can_drop_rights; then
  cp "$images"/photo.jpg $bad/locked.jpg
  chmod 000 $bad/locked.jpg
  mkdir open
  chmod 777 open
  run 0 unprivileged slabfit extract dataset -o open --backbone mean.ts --preprocess resize=32x32
  grep -qx 'training/b/locked.jpg: cannot be read: Permission denied' err || fail "$(cat err)"
  failed open/training.h5 >found
  compare 'reason' found <<<'training/b/locked.jpg: cannot be read: Permission denied'
else
  left_out 'an image without permissions: an unprivileged user does not reach slabfit'
fi
