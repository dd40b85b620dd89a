/* SPDX-License-Identifier: MIT */
/* models: those of this room (<ioas/dev/model.h>) */
#ifndef IOAS_DEV_MODELS_H
#define IOAS_DEV_MODELS_H

#include <ioas/dev/model.h>

extern const struct ioas_model ioas_model_nvme;
extern const struct ioas_model ioas_model_dma;

#endif
