"""Which source a site's documents are read from: the files its policy names, the policy, or the door's own source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from optout.adapters.documents import Documents, DocumentSource, FileSource, LicenseSource, Threads
from optout.adapters.generated import Generated
from optout.policy.model import DocumentsFrom, Policy, PolicySet
from optout.signals.declaration import Document, license_name, unknown


class ChosenByPolicy:
    """A DocumentSource that follows `documents:` of the policy in force, for each authority (design part 5.6).

    Relative file names are taken from `base`, the directory of the policy files.
    """

    def __init__(
        self, default: DocumentSource, policies: Callable[[], PolicySet], base: Path, generated: Generated
    ) -> None:
        self._default = default
        self._generated = generated
        self._threads = Threads()
        self._policies = policies
        self._base = base
        self._files: dict[tuple[str, str], FileSource] = {}

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        policy = self._policies().find(authority)
        if policy is not None and policy.documents_from is DocumentsFrom.FILES:
            return await self._files_of(policy).fetch(authority)
        if policy is not None and self._generated.is_wanted(policy, authority):
            made = await self._threads.run(authority, lambda: self._generated.documents(policy, authority))
            if made is not None:
                return made
        return await self._default.fetch(authority)

    async def fetch_license(self, authority: str, path: str) -> Document:
        """A license document that robots.txt names; unknown where the documents are files, which have no paths."""
        policy = self._policies().find(authority)
        is_asked = policy is None or policy.documents_from is DocumentsFrom.ORIGIN
        if is_asked and isinstance(self._default, LicenseSource):
            return await self._default.fetch_license(authority, path)
        return unknown(license_name(path), "the site's documents are read where no others can be")

    def _files_of(self, policy: Policy) -> FileSource:
        key = (policy.robots_file, policy.tdmrep_file)
        if key not in self._files:
            self._files[key] = FileSource(*(self._base / name if name else "" for name in key))
        return self._files[key]
