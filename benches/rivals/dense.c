// A plain dense trainer, as a competent C programmer writes one and leaves to the compiler to vectorise:
//
//     gcc -std=gnu11 -O3 -march=native -ffast-math -DHIDDEN=30 dense.c -o dense -lm
//     ./dense --data DIR --initial FILE --optimizer sgd --lr 0.13
//
// One hidden layer of logistic units, no biases, squared error. The number of hidden units is known when it is
// compiled, rows are padded to whole vectors (their last units stay at 0), sums take four rows or images at a time,
// and all pixels count, lit or dark. Every loop that matters runs along the hidden units. For batches, a row's
// gradient is summed over the batch and applied while it is at hand. One thread. The options are those of common.py,
// and so is the line printed.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef HIDDEN
#error "say -DHIDDEN=30, or another number of hidden units"
#endif
#define LANES 16
#define H ((HIDDEN + LANES - 1) / LANES * LANES)
#define PIXELS 784
#define CLASSES 10
#define ALIGNED __attribute__((aligned(64)))

typedef float Row[H];
typedef enum { SGD, DLR, NESTEROV, ADAM } Rule;

static ALIGNED Row w1[PIXELS], v1[PIXELS], m1[PIXELS]; // outgoing weights of a pixel, and their moments
static ALIGNED Row w2[CLASSES], v2[CLASSES], m2[CLASSES]; // incoming weights of an output

static Rule rule;
static float lr, alpha = 1, momentum = 0.8f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-4f;
static float adam_step, adam_root; // lr / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), of the update at hand

static void fail(const char *what, const char *why) {
    fprintf(stderr, "dense: %s: %s\n", what, why);
    exit(1);
}

// Moves one row of weights for the gradient a g.
static inline void move(float *restrict w, float *restrict v, float *restrict m, float a, const float *restrict g) {
    switch (rule) {
    case SGD:
        for (int i = 0; i < H; i++) w[i] -= lr * a * g[i];
        break;
    case DLR: { // of W1 alone: here a row has one pre-synaptic unit, and so one norm
        float squares = 0;
        for (int i = 0; i < H; i++) squares += w[i] * w[i];
        float rate = lr / (sqrtf(squares) + alpha) * a;
        for (int i = 0; i < H; i++) w[i] -= rate * (fabsf(w[i]) + alpha) * g[i];
        break;
    }
    case NESTEROV:
        for (int i = 0; i < H; i++) {
            v[i] = momentum * v[i] + a * g[i];
            w[i] -= lr * (a * g[i] + momentum * v[i]);
        }
        break;
    case ADAM:
        for (int i = 0; i < H; i++) {
            float d = a * g[i];
            m[i] = beta1 * m[i] + (1 - beta1) * d;
            v[i] = beta2 * v[i] + (1 - beta2) * d * d;
            w[i] -= adam_step * m[i] / (sqrtf(v[i]) * adam_root + epsilon);
        }
    }
}

// W2 under DLR: the pre-synaptic unit is a column.
static void move_outputs_dlr(const Row *restrict g, float a) {
    Row rate = {0};
    for (int k = 0; k < CLASSES; k++)
        for (int i = 0; i < H; i++) rate[i] += w2[k][i] * w2[k][i];
    for (int i = 0; i < H; i++) rate[i] = lr / (sqrtf(rate[i]) + alpha) * a;
    for (int k = 0; k < CLASSES; k++)
        for (int i = 0; i < H; i++) w2[k][i] -= rate[i] * (fabsf(w2[k][i]) + alpha) * g[k][i];
}

static inline void forward(const float *restrict x, float *restrict h) {
    ALIGNED Row sum = {0};
    for (int j = 0; j < PIXELS; j += 4)
        for (int i = 0; i < H; i++)
            sum[i] += (x[j] * w1[j][i] + x[j + 1] * w1[j + 1][i]) + (x[j + 2] * w1[j + 2][i] + x[j + 3] * w1[j + 3][i]);
    for (int i = 0; i < H; i++) h[i] = 1 / (1 + expf(-sum[i]));
    for (int i = HIDDEN; i < H; i++) h[i] = 0;
}

static inline void outputs(const float *restrict h, float *restrict z) {
    for (int k = 0; k < CLASSES; k++) {
        z[k] = 0;
        for (int i = 0; i < H; i++) z[k] += w2[k][i] * h[i];
    }
}

// The errors d1 of the hidden units; adds this image's gradient of W2 to g2.
static inline void backward(const float *restrict h, int label, float *restrict d1, Row *restrict g2) {
    float z[CLASSES], back[H] = {0};
    outputs(h, z);
    for (int k = 0; k < CLASSES; k++) {
        float y = 1 / (1 + expf(-z[k]));
        float d2 = (y - (k == label)) * y * (1 - y);
        for (int i = 0; i < H; i++) back[i] += d2 * w2[k][i];
        for (int i = 0; i < H; i++) g2[k][i] += d2 * h[i];
    }
    for (int i = 0; i < H; i++) d1[i] = back[i] * h[i] * (1 - h[i]);
}

static void to_floats(const uint8_t *restrict pixels, float *restrict x) {
    for (int j = 0; j < PIXELS; j++) x[j] = pixels[j] * (1 / 255.0f);
}

static void train(const uint8_t *pixels, const uint8_t *labels, int images, int batch) {
    int stride = (batch + 3) / 4 * 4; // those beyond the batch stay at 0
    Row *d1 = aligned_alloc(64, sizeof(Row) * stride);
    float *column = aligned_alloc(64, sizeof(float) * PIXELS * stride); // [pixel][image]
    if (!d1 || !column) fail("--batch", "out of memory");
    memset(d1, 0, sizeof(Row) * stride), memset(column, 0, sizeof(float) * PIXELS * stride);
    double decay1 = 1, decay2 = 1;
    for (int start = 0; start < images; start += batch) {
        ALIGNED float x[PIXELS];
        ALIGNED Row g2[CLASSES] = {0};
        for (int b = 0; b < batch; b++) {
            Row h;
            to_floats(pixels + (size_t)(start + b) * PIXELS, x);
            forward(x, h);
            backward(h, labels[start + b], d1[b], g2);
            if (batch > 1)
                for (int j = 0; j < PIXELS; j++) column[j * stride + b] = x[j];
        }
        decay1 *= beta1, decay2 *= beta2;
        adam_step = lr / (1 - decay1), adam_root = 1 / sqrt(1 - decay2);

        float mean = 1.0f / batch;
        if (rule == DLR) move_outputs_dlr(g2, mean);
        else
            for (int k = 0; k < CLASSES; k++) move(w2[k], v2[k], m2[k], mean, g2[k]);
        for (int j = 0; j < PIXELS; j++) {
            if (batch == 1) {
                move(w1[j], v1[j], m1[j], x[j], d1[0]);
            } else {
                Row g = {0};
                const float *c = column + j * stride;
                for (int b = 0; b < batch; b += 4)
                    for (int i = 0; i < H; i++)
                        g[i] += (c[b] * d1[b][i] + c[b + 1] * d1[b + 1][i]) + (c[b + 2] * d1[b + 2][i] + c[b + 3] * d1[b + 3][i]);
                move(w1[j], v1[j], m1[j], mean, g);
            }
        }
    }
    free(d1);
    free(column);
}

static double accuracy(const uint8_t *pixels, const uint8_t *labels, int images) {
    int right = 0;
    for (int n = 0; n < images; n++) {
        float x[PIXELS], h[H], z[CLASSES];
        to_floats(pixels + (size_t)n * PIXELS, x);
        forward(x, h);
        outputs(h, z);
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (z[k] > z[best]) best = k;
        right += best == labels[n];
    }
    return (double)right / images;
}

// A whole file, without its first `header` bytes; *size becomes the number of bytes left.
static uint8_t *read_file(const char *path, size_t header, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be opened");
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    if (length < (long)header) fail(path, "too short");
    *size = length - header;
    uint8_t *bytes = malloc(*size + 1);
    fseek(file, header, SEEK_SET);
    if (!bytes || fread(bytes, 1, *size, file) != *size) fail(path, "cannot be read");
    fclose(file);
    return bytes;
}

static int read_images(const char *folder, const char *part, uint8_t **pixels, uint8_t **labels) {
    char path[4096];
    size_t bytes, count;
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, part);
    *labels = read_file(path, 8, &count);
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, part);
    *pixels = read_file(path, 16, &bytes);
    if (bytes != count * PIXELS) fail(path, "is not made of 784 pixels per label");
    return count;
}

// Files have W1 [hidden][pixels], then W2 [10][hidden].
static void set_weights(const float *from) {
    memset(w1, 0, sizeof w1), memset(v1, 0, sizeof v1), memset(m1, 0, sizeof m1);
    memset(w2, 0, sizeof w2), memset(v2, 0, sizeof v2), memset(m2, 0, sizeof m2);
    for (int i = 0; i < HIDDEN; i++)
        for (int j = 0; j < PIXELS; j++) w1[j][i] = *from++;
    for (int k = 0; k < CLASSES; k++)
        for (int i = 0; i < HIDDEN; i++) w2[k][i] = *from++;
}

static void write_weights(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file) fail(path, "cannot be written");
    for (int i = 0; i < HIDDEN; i++)
        for (int j = 0; j < PIXELS; j++) fwrite(&w1[j][i], sizeof(float), 1, file);
    for (int k = 0; k < CLASSES; k++) fwrite(w2[k], sizeof(float), HIDDEN, file);
    if (fclose(file)) fail(path, "cannot be written");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
    static const char *const rules[] = {"sgd", "dlr", "nesterov", "adam"};
    const char *data = NULL, *initial = NULL, *final = NULL, *optimizer = "";
    int batch = 1, images = 60000, repeats = 3, known = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        const char *name = arguments[i], *value = arguments[i + 1];
        if (!strcmp(name, "--data")) data = value;
        else if (!strcmp(name, "--initial")) initial = value;
        else if (!strcmp(name, "--final")) final = value;
        else if (!strcmp(name, "--optimizer")) optimizer = value;
        else if (!strcmp(name, "--batch")) batch = atoi(value);
        else if (!strcmp(name, "--images")) images = atoi(value);
        else if (!strcmp(name, "--repeats")) repeats = atoi(value);
        else if (!strcmp(name, "--lr")) lr = atof(value);
        else if (!strcmp(name, "--alpha")) alpha = atof(value);
        else if (!strcmp(name, "--momentum")) momentum = atof(value);
        else if (!strcmp(name, "--beta1")) beta1 = atof(value);
        else if (!strcmp(name, "--beta2")) beta2 = atof(value);
        else if (!strcmp(name, "--epsilon")) epsilon = atof(value);
        else if (!strcmp(name, "--hidden")) {
            if (atoi(value) != HIDDEN) fail("--hidden", "not the number that this program was compiled for");
        } else if (!strcmp(name, "--threads")) {
            if (atoi(value) != 1) fail("--threads", "there is only one");
        } else fail(name, "no such option");
    }
    if (count % 2 == 0) fail(arguments[count - 1], "has no value");
    for (int r = 0; r < 4; r++)
        if (!strcmp(optimizer, rules[r])) rule = r, known = 1;
    if (!known) fail("--optimizer", "one of sgd, dlr, nesterov, adam is needed");
    if (!data || !initial) fail("--data and --initial", "are needed");
    if (!(lr > 0)) fail("--lr", "a learning rate above 0 is needed");
    if (batch < 1 || images < 1 || repeats < 1 || images % batch) fail("--batch", "must divide --images");

    uint8_t *pixels, *labels, *test_pixels, *test_labels;
    if (read_images(data, "train", &pixels, &labels) < images) fail("--images", "more than there are");
    int tests = read_images(data, "t10k", &test_pixels, &test_labels);
    size_t bytes;
    float *weights = (float *)read_file(initial, 0, &bytes);
    if (bytes != sizeof(float) * HIDDEN * (PIXELS + CLASSES)) fail(initial, "does not hold the weights of this network");

    printf("{\"rival\": \"c\", \"optimizer\": \"%s\", \"hidden\": %d, \"batch\": %d, \"images\": %d, \"threads\": 1, \"seconds\": [",
           optimizer, HIDDEN, batch, images);
    double least = INFINITY;
    for (int r = 0; r <= repeats; r++) { // the first pass warms up, and is not counted
        set_weights(weights);
        double begin = now();
        train(pixels, labels, images, batch);
        double seconds = now() - begin;
        if (r == 0) continue;
        if (seconds < least) least = seconds;
        printf("%s%.6f", r > 1 ? ", " : "", seconds);
    }
    if (final) write_weights(final);
    printf("], \"ns_per_image\": %.1f, \"test_accuracy\": %.4f, \"version\": \"gcc %s\"}\n", least / images * 1e9,
           accuracy(test_pixels, test_labels, tests), __VERSION__);
    return 0;
}
