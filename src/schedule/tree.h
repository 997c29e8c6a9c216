/* tree.h - nodes in the order of their keys, kept by whoever owns them
 *
 * A treap with links upwards. Where a node goes is mostly known (beside another one),
 * and then putting it there and taking it away cost O(1) on average, however many
 * there are; finding a key costs O(log n). Nothing is allocated.
 *
 * A key may be changed in place as long as the order stays what it is.
 */
#ifndef ROTA_SCHEDULE_TREE_H
#define ROTA_SCHEDULE_TREE_H

#include <stdint.h>

struct tree_node {
    struct tree_node *up;
    struct tree_node *left;
    struct tree_node *right;
    uint64_t key;
};

/* All zero is an empty one. */
struct tree {
    struct tree_node *root;
    struct tree_node *last; /* with the greatest key */
};

/* Insert by key; behind those with the same one. */
void tree_insert(struct tree *t, struct tree_node *n);

/* Insert right before `next`; NULL: behind all others. */
void tree_insert_before(struct tree *t, struct tree_node *next, struct tree_node *n);

void tree_remove(struct tree *t, struct tree_node *n);

/* The node with the greatest key that is not above `key`, or NULL. */
struct tree_node *tree_floor(const struct tree *t, uint64_t key);

#endif
