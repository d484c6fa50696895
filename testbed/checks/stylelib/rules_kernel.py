# SPDX-License-Identifier: GPL-2.0-only
"""Rules on the module: VMX instructions, RIP, messages, user memory, EPT, the exit table."""
import re

from . import Finding, code, lines_with, read, sources, tree

OPS = "module/vmx/ops.h"
ENTRY = "module/vmx/entry.S"
MNEMONIC = (r"vmxon|vmxoff|vmclear|vmptrld|vmptrst|vmread|vmwrite|vmlaunch|vmresume|vmcall|vmfunc|"
            r"invept|invvpid")
ASM = re.compile(r"\b(?:asm|__asm__|asm_goto_output)\b[^;(]*\("
                 r"((?:[^;\"]|\"(?:\\.|[^\"\\])*\")*)\)\s*;")


def asm_statements(name):
    """(line, text) of each asm statement, macros' line ends and strings included."""
    text = code(name, strings=True)
    for match in ASM.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1]


def instruction(text):
    """The VMX instruction of an asm statement, or None; VMX_INSN_PA gets its name by argument."""
    match = re.search(rf"\"(?:\d+:)?\s*(?:({MNEMONIC})\b|\" insn)", text)
    return (match[1] or "insn") if match else None


def vmx_only_in_ops():
    for name in sources("module"):
        if name in (OPS, ENTRY):
            continue
        if name.endswith(".S"):
            for number, match in lines_with(name, rf"^\s*({MNEMONIC})\b"):
                yield Finding(name, number, f"{match[1]} outside {OPS} and {ENTRY}")
        for number, text in asm_statements(name):
            found = re.search(rf"\b({MNEMONIC})\b", text)
            if found:
                yield Finding(name, number, f"{found[1]} outside {OPS} and {ENTRY}")


def vmx_checked():
    """In C each VMX instruction is followed by JBE (CF or ZF) and has an exception-table entry."""
    for name in sources("module"):
        for number, text in asm_statements(name):
            found = instruction(text)
            if not found:
                continue
            if not re.search(r"\bjbe\b", text):
                yield Finding(name, number, f"{found}: CF and ZF are not both tested (jbe)")
            if "_ASM_EXTABLE" not in text:
                yield Finding(name, number, f"{found} has no exception-table entry")
    text = code(ENTRY)
    for match in re.finditer(rf"(?:^|\n)(\.\w+):\n\s*({MNEMONIC})\b[^\n]*\n\s*([^\n]*)", text):
        line = text.count("\n", 0, match.start()) + 2
        if not re.search(rf"_ASM_EXTABLE\({re.escape(match[1])},", text):
            yield Finding(ENTRY, line, f"{match[2]} has no exception-table entry")
        if not re.match(r"jbe|jmp\s+\.Lfailed|\.Lfailed", match[3]):
            yield Finding(ENTRY, line, f"{match[2]} is not followed by its failure path")
    labelled = len(re.findall(rf"\n\.\w+:\n\s*(?:{MNEMONIC})\b", text))
    if labelled != len(re.findall(rf"\n\s+(?:{MNEMONIC})\b", text)):
        yield Finding(ENTRY, 0, "a VMX instruction has no label, so no exception-table entry")


def exit_table_tests():
    """Each row of the exit table names, in its comment, a program or a test of selftests/."""
    programs = {name.rsplit("/", 1)[-1][:-2] for name in tree()
                if re.fullmatch(r"selftests/\w+\.c", name)}
    tests = {test for name in tree() if re.fullmatch(r"selftests/\w+\.c", name)
             for test in re.findall(r"^TEST(?:_SLOW)?\((\w+)", read(name), re.M)}
    name = "module/vmx/exit.c"
    text = read(name)
    table = re.search(r"exit_table\[\].*?\n};", text, re.S)
    if not table:
        yield Finding(name, 0, "there is no exit_table[]")
        return
    first = text.count("\n", 0, table.start()) + 1
    group = None
    for offset, line in enumerate(table[0].split("\n")):
        row = re.match(r"\s*\[(EXIT_REASON_\w+)\] = (\w+),\s*(?:/\* (.*?) \*/)?", line)
        if not row:
            continue
        if row[3]:
            named = [word for word in re.findall(r"[a-z]\w*", row[3].split(", as ")[0])]
            group = row[2] if ", as " in row[3] else None
            known = [word for word in named if word in programs | tests]
            if "mem_*" in row[3] or known:
                continue
            yield Finding(name, first + offset, f"{row[1]} names no test that exists: {row[3]}")
        elif row[2] != group:
            yield Finding(name, first + offset, f"{row[1]} names no test")


RIP_WRITERS = {
    "module/regs.h": "the accessor itself",
    "module/regs.c": "write-back of the cached registers",
    "module/regs_user.c": "KVM_SET_REGS",
    "module/vcpu.c": "a SIPI's vector",
    "module/vmx/controls.c": "power-up and INIT",
    "module/vmx/exit.h": "step_behind(), which lintel_skip_instruction() is",
    "module/vmx/interpret.c": "the interpreter's result",
}


def one_rip_helper():
    pattern = r"lintel_set_rip\s*\(|vmcs_write\w+\(GUEST_RIP|vcpu->rip\s*[-+]?=[^=]"
    for name in sources("module"):
        for number, match in lines_with(name, pattern):
            if name not in RIP_WRITERS:
                yield Finding(name, number, f"writes RIP ({match[0].strip()})")
    for name in sources("module"):
        for number, _ in lines_with(name, r"rip\w*\s*\+=|lintel_rip\(.*\+.*instruction_len"):
            if name != "module/vmx/exit.h" and not name.startswith("module/emulate/"):
                yield Finding(name, number, "advances RIP outside lintel_skip_instruction()")


EPT_RAW = {
    "module/ept/pte.h": "the accessors",
    "module/ept/env.h": "their userspace half",
    "module/ept/access.c": "cmpxchg on guest memory, not on an entry",
}


def forbid(pattern, complaint, places=()):
    """A rule: no match of pattern in the module's code, but for files that begin with places."""
    def rule():
        for name in sources("module"):
            if name.startswith(tuple(places)):
                continue
            for number, match in lines_with(name, pattern):
                yield Finding(name, number, f"{match[1]}{complaint}")
    return rule


nothing_fatal = forbid(
    r"\b(BUG|BUG_ON|VM_BUG_ON\w*|WARN|WARN_ON\w*|WARN_ONCE|panic|dump_stack|"
    r"__builtin_trap|unreachable)\s*\(", "() is in reach of a guest or a launcher")
limited_messages = forbid(
    r"\b(printk|pr_(?:emerg|alert|crit|err|warn|notice|info|cont))\s*\(", "() without a limit")
user_memory = forbid(
    r"\b(_*copy_(?:to|from)_user\w*|_*(?:get|put)_user|v?memdup_user\w*|"
    r"user_access_begin|clear_user|simple_read_from_buffer)\s*\(",
    "() outside module/ioctl and module/ept", ("module/ioctl/", "module/ept/"))
host_pages = forbid(
    r"\b(get_user_pages\w*|pin_user_pages\w*|fixup_user_fault|mmu_notifier_\w+|"
    r"follow_pfn\w*|follow_pte)\s*\(", "() outside module/ept",
    ("module/ept/", "module/compat.h"))
no_tricks = forbid(
    r"\b(kallsyms_\w+|register_k(?:ret)?probe|symbol_get|__symbol_get)\b",
    ": exported symbols only")
versions_in_compat = forbid(
    r"\b(LINUX_VERSION_CODE|KERNEL_VERSION)\b", " outside module/compat.h",
    ("module/compat.h", "module/compat.c"))


def ept_entries():
    """Raw loads and stores of entries stand in pte.h; they change in ept_set_pte() alone."""
    for name in sources("module"):
        for number, _ in lines_with(name, r"\bept_replace\s*\("):
            if name not in ("module/ept/pte.h", "module/ept/ept.c"):
                yield Finding(name, number, "changes an EPT entry outside ept_set_pte()")
        if not name.startswith("module/ept/") or name in EPT_RAW:
            continue
        for number, match in lines_with(name, r"\b(x?chg|(?:try_)?cmpxchg\w*)\s*\("
                                              r"|\b(?:READ|WRITE)_ONCE\(\*"):
            yield Finding(name, number, f"a raw access ({match[0]}) outside module/ept/pte.h")


def one_assembler_file():
    for name in sources("module"):
        if name.endswith(".S") and name != ENTRY:
            yield Finding(name, 0, f"assembler stands in {ENTRY} alone")
    text = read(ENTRY)
    for need in (".noinstr.text", '#include "offsets.h"', "clobbers", "returns"):
        if need not in text:
            yield Finding(ENTRY, 0, f"lacks {need}")


# the structures that several threads share: each member says what guards it
LEGENDS = {"module/vm.h": "lintel_vm", "module/vcpu.h": "lintel_vcpu",
           "module/ept/ept.h": "lintel_ept"}
GUARDS = re.compile(r"struct mutex|spinlock_t|rwlock_t|struct srcu_struct|wait_queue_head_t|"
                    r"struct mmu_notifier\b|struct lintel_(?:ept|clock)\b")


def lock_legends():
    """Every member of the shared structures has a tag like [L], or is a lock, or has its own."""
    for name, struct in LEGENDS.items():
        text = read(name)
        body = re.search(rf"^struct {struct} \{{\n(.*?)^\}};", text, re.S | re.M)
        if not body:
            yield Finding(name, 0, f"struct {struct} was not found")
            continue
        first = text.count("\n", 0, body.start(1)) + 1
        for offset, line in enumerate(body[1].split("\n")):
            if ";" not in line or line.strip().startswith(("/*", "*", "}")):
                continue
            if not re.search(r"/\*.*\[\w+\]", line) and not GUARDS.search(line):
                yield Finding(name, first + offset, f"{line.split(';')[0].strip()}: no tag says "
                              "what guards it")


RULES = [
    ("vmx-place", "VMX instructions only in vmx/ops.h and vmx/entry.S (rule 2)", vmx_only_in_ops),
    ("vmx-checked", "each VMX instruction tests CF and ZF and may fault (rule 4)", vmx_checked),
    ("exit-tests", "each row of the exit table names its test (rule 6)", exit_table_tests),
    ("rip", "one helper advances RIP (rule 7)", one_rip_helper),
    ("fatal", "no BUG, WARN or panic (rule 8)", nothing_fatal),
    ("messages", "every message has a limit (rule 8)", limited_messages),
    ("user-memory", "user space is copied by ioctl/ and ept/ only (rule 10)", user_memory),
    ("host-pages", "GUP and MMU notifier only in ept/", host_pages),
    ("ept-entries", "EPT entries change in ept_set_pte() alone (rule 15)", ept_entries),
    ("legends", "members of shared structures say what guards them (rule 14)", lock_legends),
    ("assembler", "one .S, with its contract (rule 16)", one_assembler_file),
    ("tricks", "exported symbols only", no_tricks),
    ("versions", "kernel versions are told apart in compat only", versions_in_compat),
]
