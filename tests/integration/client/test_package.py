"""What somebody gets who installs @turnkeeper/client."""

import gzip
import json
import re
import subprocess
import tarfile

import pytest

from call import ROOT

MODULES = sorted(path.stem for path in (ROOT / "client/src").glob("*.ts"))
# What an application has anyway, unless an example of the documentation makes it.
SURROUNDINGS = {"client": "import('@turnkeeper/client').TurnkeeperClient", "call": "import('@turnkeeper/client').Attachment",
                "connection": "RTCPeerConnection", "socket": "WebSocket", "show": "(text: string) => void",
                "getToken": "() => Promise<string>"}
MANIFEST = json.loads((ROOT / "client/package.json").read_text())


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory):
    """A project that has the packed package in its node_modules."""
    project = tmp_path_factory.mktemp("project")
    packed = subprocess.run(["npm", "pack", "--silent", "--offline", "--pack-destination", project], cwd=package,
                            capture_output=True, text=True, timeout=60)
    assert packed.returncode == 0, packed.stderr
    folder = project / "node_modules/@turnkeeper/client"
    folder.mkdir(parents=True)
    with tarfile.open(project / packed.stdout.split()[-1]) as archive:
        for member in archive.getmembers():
            member.name = member.name.removeprefix("package/")
            archive.extract(member, folder)
    (project / "package.json").write_text('{"type": "module"}')
    return project


def test_the_package_holds_the_programs_their_types_and_nothing_else(installed):
    folder = installed / "node_modules/@turnkeeper/client"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"package.json", "README.md", "dist/index.js", "dist/index.js.map"} | {f"dist/{name}.d.ts" for name in MODULES}


def test_it_costs_a_page_less_than_8_kib(package):
    compressed = len(gzip.compress((package / "dist/index.js").read_bytes(), 9))
    print(f"\n{compressed} bytes of gzip")
    assert compressed < 8192


def test_it_brings_nothing_along():
    assert not MANIFEST.keys() & {"dependencies", "peerDependencies", "optionalDependencies", "bundledDependencies"}
    assert set(MANIFEST["devDependencies"]) == {"livekit-client", "mediasoup-client", "peerjs", "simple-peer", "typescript"}  # all but the last for tests of the documentation


def test_its_version_is_the_projects_and_the_lock_file_fits_and_names_no_registry():
    version = (ROOT / "VERSION").read_text().split()[0]
    text = (ROOT / "client/package-lock.json").read_text()
    lock = json.loads(text)
    assert MANIFEST["version"] == lock["version"] == lock["packages"][""]["version"] == version
    assert lock["packages"][""]["devDependencies"] == MANIFEST["devDependencies"]
    assert "resolved" not in text and not re.search("registry|npmjs|tarball", text)


def test_node_can_load_it(installed):
    loaded = subprocess.run(["node", "--input-type=module", "--eval", """
        import { TurnkeeperClient, usualThresholds } from '@turnkeeper/client';
        new TurnkeeperClient({ endpoint: 'http://127.0.0.1:9', auth: {} });
        console.log(usualThresholds.rtt.warning);"""], cwd=installed, capture_output=True, text=True, timeout=30)
    assert (loaded.stdout, loaded.stderr) == ("150\n", "")


def test_the_examples_of_the_documentation_fit_its_types(installed, package):
    pages = [ROOT / "docs/clients.md", package / "README.md"]
    blocks = [block for page in pages for block in re.findall(r"^```ts\n(.*?)^```", page.read_text(), re.M | re.S)]
    assert len(blocks) >= 5
    for number, block in enumerate(blocks):
        declared = [f"declare const {name}: {of};" for name, of in SURROUNDINGS.items() if not re.search(rf"^const {name}\b", block, re.M)]
        (installed / f"example{number}.ts").write_text("\n".join([block, *declared, "export {};"]))
    (installed / "tsconfig.json").write_text(json.dumps({"compilerOptions": {
        "strict": True, "noEmit": True, "target": "ES2022", "module": "NodeNext", "lib": ["ES2022", "DOM"], "types": [],
        "exactOptionalPropertyTypes": True}, "include": ["example*.ts"]}))
    checked = subprocess.run([package / "node_modules/.bin/tsc", "-p", installed], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout
