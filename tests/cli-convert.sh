#!/bin/bash
# slabfit export and import: the tutorial's CSV and back, the same values, and lines that do not fit.
. "$(dirname "$0")"/functions.sh || exit 1
need h5diff hdf5-tools

# Written and read: all classes and values, also such as 1/3, -0, and the smallest and largest floats.
cat >values.csv <<'END'
0,0,-0,0.333333343,1
2,3.40282347e+38,-3.40282347e+38,1.40129846e-45,1.17549435e-38
1,1e-3, 2.5 ,+7,-.5
0,123456789,16777217,0.1,1e10
END
run 0 slabfit import values.csv -o values.h5
output <<'END'
values.h5: 4 rows
END
errors </dev/null
run 0 slabfit info values.h5 --json
json "(d['rows'], d['columns'], d['classes']) == (4, 4, {'0': 2, '1': 1, '2': 1})"
run 0 slabfit export values.h5 -o again.csv
output <<'END'
again.csv: 4 rows
END
compare 'the CSV' again.csv <<'END'
0,0,-0,0.333333343,1
2,3.40282347e+38,-3.40282347e+38,1.40129846e-45,1.17549435e-38
1,0.00100000005,2.5,7,-0.5
0,123456792,16777216,0.100000001,1e+10
END
run 0 slabfit import again.csv -o again.h5
run 0 h5diff -v values.h5 again.h5 /features /features
run 0 h5diff -v values.h5 again.h5 /labels /labels
run 0 slabfit export again.h5 -o thrice.csv --json
json "d == {'file': 'thrice.csv', 'rows': 4}"
same again.csv thrice.csv

# Features of photographs: named classes, half precision, lines that end as Windows has it, and no end of the last line.
network wide
mkdir -p dataset/training/a dataset/training/b
cp "$images"/photo.jpg "$images"/gray.jpg dataset/training/a
cp "$images"/rgb.jpg "$images"/cmyk.jpg dataset/training/b
run 0 slabfit extract dataset -o features --backbone wide.ts --preprocess resize=96x96 -q
run 0 slabfit export features/training.h5 -o features.csv
sed 's/$/\r/' features.csv | head -c -1 >windows.csv
run 0 slabfit import windows.csv -o features.h5 --classes a,b --json
json "d == {'file': 'features.h5', 'rows': 4}"
run 0 h5diff features.h5 features/training.h5 /features /features
run 0 h5diff features.h5 features/training.h5 /labels /labels
run 0 slabfit import features.csv -o half.h5 --classes a,b --dtype float16
run 0 h5diff -p 0.001 half.h5 features/training.h5 /features /features
run 0 slabfit verify half.h5 features.h5
run 0 slabfit info half.h5 --json
json "(d['dtype'], d['classes']) == ('float16', {'a': 2, 'b': 2})"

# Lines that do not fit, each with its place.
bad () { # MESSAGE LINES OPTION...
  printf "$2" >bad.csv
  refuses 1 "slabfit import: $1" slabfit import bad.csv -o bad.h5 "${@:3}"
  absent bad.h5
  no_temporary .
}
form="a line is label,value,value,..."
bad "line 2, field 2 of 'bad.csv' is 'x', not a finite number; correct it" '0,1,2\n1,x,2\n'
bad "line 2, field 3 of 'bad.csv' is '2.5.1', not a finite number; correct it" '0,1,2\n1,1,2.5.1\n'
bad "line 1, field 3 of 'bad.csv' is '', not a finite number; correct it" '0,1,\n1,3,2\n'
bad "line 3, field 2 of 'bad.csv' is '', not a finite number; correct it" '0,1,2\n\n1,,2\n'
for value in nan inf -inf 1e39 0x10 1e '1 2' --1; do
  bad "line 1, field 2 of 'bad.csv' is '$value', not a finite number; correct it" "0,$value,2\n"
done
bad "line 2 of 'bad.csv' has 1 value and the first line 2; correct it" '0,1,2\n1,3\n'
bad "line 2 of 'bad.csv' has 3 values and the first line 2; correct it" '0,1,2\n1,3,2,4\n'
for label in x -1 1.5 1000000 99999999999999999999 ''; do
  bad "line 2, field 1 of 'bad.csv' is '$label', not a class from 0 to 999999; $form" "0,1,2\n$label,3,2\n"
done
bad "line 1, field 1 of 'bad.csv' is 'label', not a class from 0 to 999999; $form" 'label,a,b\n0,1,2\n'
bad "line 2, field 1 of 'bad.csv' is '2', not a class from 0 to 1; $form" '1,1,2\n2,3,2\n' --classes a,b
bad "'bad.csv' has no values; $form" '0\n1\n'
bad "'bad.csv' has no lines; $form" ''
bad "'bad.csv' has no lines; $form" '\n\n'
refuses 1 "slabfit import: cannot open 'none.csv': No such file or directory; check the path" \
  slabfit import none.csv -o none.h5
refuses 1 "slabfit import: cannot read 'dataset': Is a directory; check the path and the file system" \
  slabfit import dataset -o none.h5
refuses 1 "slabfit export: 'values.csv' is not an HDF5 file; name a feature file, as 'slabfit extract' or h5py writes \
it" \
  slabfit export values.csv -o none.csv
absent none.h5 none.csv
