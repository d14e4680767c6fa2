/* Becomes another program, with other arguments. NAME.how beside it says which:
 *   !PATH    the program, which is called as this one is
 *   !!PATH   the program, called by its own name
 *   +WORD    stands before the arguments
 *   -OPTION  is left out, as OPTION=... is
 *   =OPTION  is left out with the word behind it, as OPTION=... is
 * No shell, which would change the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 64, WORDS = 512 };

int main(int argc, char **argv) {
    static char how[4096], lines[LINES][512];
    char *words[WORDS];
    int count = 0, length = 0;
    /* It is called by its path. There may be no /proc to ask. */
    snprintf(how, sizeof how, "%s.how", argv[0]);
    FILE *in = fopen(how, "re");
    while (in && count < LINES && fgets(lines[count], sizeof lines[count], in)) {
        lines[count][strcspn(lines[count], "\n")] = 0;
        count++;
    }
    if (!in || count == 0 || argc + count > WORDS - 1) return 98;
    fclose(in);
    char *program = lines[0] + 1;
    words[length++] = argv[0];
    if (*program == '!') words[0] = ++program;
    for (int l = 1; l < count; l++)
        if (lines[l][0] == '+') words[length++] = lines[l] + 1;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--")) {
            while (i < argc) words[length++] = argv[i++];
            break;
        }
        int out = 0;
        for (int l = 1; l < count && !out; l++) {
            const char *option = lines[l] + 1;
            size_t size = strlen(option);
            if (lines[l][0] == '+' || strncmp(argv[i], option, size)) continue;
            if (argv[i][size] == '=' && !strncmp(option, "--", 2)) out = 1;
            if (argv[i][size] == 0) out = lines[l][0] == '=' ? 2 : 1;
        }
        if (!out) words[length++] = argv[i];
        if (out == 2) i++;
    }
    words[length] = NULL;
    execv(program, words);
    return 99;
}
