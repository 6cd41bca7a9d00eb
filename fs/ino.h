/*
 * Inode numbers that say what they are, so that no table of them dies with a process.
 *
 *   4 bits class | 6 bits node of the tree | 14 bits queue id | 40 bits id
 *
 * What the id is depends on the class: a job id, a draft, or a worker's slot and ticket. The
 * root is FUSE_ROOT_ID, which the protocol fixes.
 */
#ifndef FS_INO_H
#define FS_INO_H

#include <fuse_lowlevel.h>
#include <stdint.h>

enum ino_class {
	INO_NODE = 1, /* an entry of the tree table; id 0 */
	INO_JOB,      /* id: the job; node: the directory that shows it */
	INO_TWIN,     /* RECEIPT.json; as INO_JOB */
	INO_ALIAS,    /* the name a job was written under; id: the job */
	INO_LINK,     /* receipts/NAME, a symbolic link; id: the job */
	INO_DRAFT,    /* id: slot_id() of the draft, whose queue may change; queue 0 */
	INO_CLAIM,    /* id: slot_id() of the worker's slot and its ticket */
	INO_ENVELOPE, /* claim/WORKER.json; as INO_CLAIM */
};

#define INO_ID_BITS 40
#define INO_QUEUE_BITS 14
#define INO_NODE_BITS 6
#define INO_QUEUE_MAX ((1 << INO_QUEUE_BITS) - 1)

struct ino {
	enum ino_class class;
	unsigned node;
	int64_t queue_id;
	int64_t id;
};

static inline fuse_ino_t
ino_pack(enum ino_class class, unsigned node, int64_t queue_id, int64_t id)
{
	if (class == INO_NODE && node == 0)
		return FUSE_ROOT_ID;
	return (uint64_t) class << (INO_NODE_BITS + INO_QUEUE_BITS + INO_ID_BITS) |
	       (uint64_t)node << (INO_QUEUE_BITS + INO_ID_BITS) |
	       (uint64_t)queue_id << INO_ID_BITS | (uint64_t)id;
}

static inline struct ino
ino_unpack(fuse_ino_t number)
{
	if (number == FUSE_ROOT_ID)
		return (struct ino){ .class = INO_NODE };
	return (struct ino){
		.class = (enum ino_class)(
			number >> (INO_NODE_BITS + INO_QUEUE_BITS + INO_ID_BITS)),
		.node = (unsigned)(number >> (INO_QUEUE_BITS + INO_ID_BITS)) &
			((1U << INO_NODE_BITS) - 1),
		.queue_id = (int64_t)(number >> INO_ID_BITS & INO_QUEUE_MAX),
		.id = (int64_t)(number & ((1ULL << INO_ID_BITS) - 1)),
	};
}

/* A slot of a fixed table and the serial number of its use, as an id of 40 bits: a number that
 * outlives the use is recognised as stale. */
#define SLOT_BITS 14
#define SLOT_COUNT (1U << SLOT_BITS)
#define SLOT_SERIAL_BITS (INO_ID_BITS - SLOT_BITS)

static inline int64_t
slot_id(uint32_t slot, uint32_t serial)
{
	return (int64_t)((uint64_t)(serial & ((1U << SLOT_SERIAL_BITS) - 1)) << SLOT_BITS |
			 slot);
}

static inline uint32_t
slot_of(int64_t id)
{
	return (uint32_t)id & (SLOT_COUNT - 1);
}

#endif
