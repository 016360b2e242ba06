/* Datasets as any program may have written them: finding one, and reading only what is really there.  */
#ifndef SLABFIT_DATASET_H
#define SLABFIT_DATASET_H

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

/* The dataset NAME ("/train/features") of FILE, which PATH names, opened with ACCESS.  -1 with the error set: for an
   absent one it tells what there is and ends with REMEDY; others are a group, a link to nothing, a filter that this
   HDF5 lacks, and a virtual one with values missing.  */
hid_t dataset_open (hid_t file, const char *name, hid_t access, const char *path, const char *remedy);

/* The one dimension of a DATASET of rank 1; -1 with no error set where it is none.  */
int64_t dataset_length (hid_t dataset);

/* TEXT (room) = the dimensions, as "(12, 7, 7, 2048)".  */
void dataset_describe_shape (hid_t dataset, char *text, size_t room);

/* A dataspace in which the COUNT values from START on, along each axis, are selected; to be closed by H5Sclose.  -1
   with the error set where one of their chunks was never written, which HDF5 would read as zeros, or is larger than
   they need.  NAME and PATH are for the message.  */
hid_t dataset_select (hid_t dataset, const hsize_t *start, const hsize_t *count, const char *name, const char *path);

#endif
