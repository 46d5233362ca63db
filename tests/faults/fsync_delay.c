/* Makes every fsync and fdatasync take as many milliseconds longer as the file named by FSYNC_DELAY_FILE says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int delayed(const char *name, int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *path = getenv("FSYNC_DELAY_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    int delay_ms = 0;
    if (file) {
        if (fscanf(file, "%d", &delay_ms) == 1)
            usleep(delay_ms * 1000);
        fclose(file);
    }
    return real(descriptor);
}

int fsync(int descriptor) { return delayed("fsync", descriptor); }
int fdatasync(int descriptor) { return delayed("fdatasync", descriptor); }
